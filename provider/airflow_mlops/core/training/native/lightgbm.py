"""LightGBM's text format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.training.native.library import plain

if TYPE_CHECKING:
    import numpy as np


class LightGbm:
    """LightGBM's boosters, as text."""

    file = "model.lgb"
    package: str | None = None
    known_to_mlflow = True

    @staticmethod
    def fitted(model: Any) -> tuple[Any, list[Any] | None]:
        """Give the booster behind a model, and its classes; ``None`` for a regressor."""
        from lightgbm import Booster

        if not isinstance(model, Booster):
            return model.booster_, plain(getattr(model, "classes_", None))
        objective = str(model.dump_model(num_iteration=1).get("objective", ""))
        if objective.startswith("multiclass"):
            return model, list(range(model.num_model_per_iteration()))
        return model, [0, 1] if objective.startswith(("binary", "cross_entropy")) else None

    @staticmethod
    def save(fitted: Any, path: Path, trusted: Sequence[str]) -> dict[str, Any]:
        """Write it; the file holds all."""
        fitted.save_model(str(path))
        return {}

    @staticmethod
    def load(content: bytes, beside: Mapping[str, Any], trusted: Sequence[str]) -> Any:
        """Read it back from the file's content."""
        from lightgbm import Booster

        return Booster(model_str=content.decode(errors="replace"))  # what is no text, it refuses itself

    @staticmethod
    def outputs(fitted: Any, rows: Any, *, chances: bool) -> np.ndarray[Any, Any]:
        """Give n values, or n x k: what the objective gives."""
        import numpy as np

        return np.asarray(fitted.predict(rows), dtype=np.float64)
