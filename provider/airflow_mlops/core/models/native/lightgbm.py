"""LightGBM models in their text format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.models.native.model_format import to_class_list

if TYPE_CHECKING:
    import numpy as np

FILE = "model.lgb"


class LightGbmFormat:
    """LightGBM's text format."""

    packages: Sequence[str] = ("lightgbm",)

    def recognises(self, model: Any) -> bool:
        """Return whether it is a booster, classifier or regressor; a ranker is not stored completely."""
        kind = type(model)
        return kind.__module__.startswith("lightgbm.") and kind.__name__ in (
            "Booster",
            "LGBMClassifier",
            "LGBMRegressor",
        )

    def classes(self, model: Any) -> list[Any] | None:
        """Return the classes of a classifier, or those that a booster's objective implies."""
        booster = _booster(model)
        if model is not booster:
            return to_class_list(getattr(model, "classes_", None))
        objective = str(model.dump_model(num_iteration=1).get("objective", ""))
        if objective.startswith("multiclass"):
            return list(range(model.num_model_per_iteration()))
        return [0, 1] if objective.startswith(("binary", "cross_entropy")) else None

    def save(self, model: Any, trusted: Sequence[str]) -> dict[str, bytes]:
        """Return the booster as text."""
        return {FILE: _booster(model).model_to_string().encode()}

    def load(self, files: Mapping[str, bytes], trusted: Sequence[str]) -> Any:
        """Return the booster."""
        from lightgbm import Booster

        return Booster(model_str=files[FILE].decode(errors="replace"))  # LightGBM raises on undecodable text itself

    def predict(self, model: Any, rows: Any) -> np.ndarray[Any, Any]:
        """Return n values, or n x k, as the objective defines."""
        import numpy as np

        return np.asarray(_booster(model).predict(rows), dtype=np.float64)


def _booster(model: Any) -> Any:
    """Return the booster of a model, which may be one itself."""
    return model if type(model).__name__ == "Booster" else model.booster_
