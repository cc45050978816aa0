"""XGBoost's JSON format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.training.native.library import plain

if TYPE_CHECKING:
    import numpy as np


class XgBoost:
    """XGBoost's boosters, as JSON."""

    file = "model.json"
    package: str | None = None
    known_to_mlflow = True

    @staticmethod
    def fitted(model: Any) -> tuple[Any, list[Any] | None]:
        """Give the booster behind a model, and its classes; ``None`` for a regressor."""
        import json

        from xgboost import Booster

        booster = model if isinstance(model, Booster) else model.get_booster()
        learner = json.loads(booster.save_config())["learner"]
        objective = learner["objective"]["name"]
        if objective == "multi:softmax":
            raise BadInput("the objective multi:softmax gives no probabilities", mend="use multi:softprob")
        if not objective.startswith(("multi:", "binary:logistic")):
            return booster, None
        classes = range(max(2, int(learner["learner_model_param"]["num_class"])))
        return booster, plain(getattr(model, "classes_", classes))

    @staticmethod
    def save(fitted: Any, path: Path, trusted: Sequence[str]) -> dict[str, Any]:
        """Write it; the file holds all."""
        fitted.save_model(str(path))
        return {}

    @staticmethod
    def load(content: bytes, beside: Mapping[str, Any], trusted: Sequence[str]) -> Any:
        """Read it back from the file's content."""
        from xgboost import Booster

        booster = Booster()
        booster.load_model(bytearray(content))
        return booster

    @staticmethod
    def outputs(fitted: Any, rows: Any, *, chances: bool) -> np.ndarray[Any, Any]:
        """Give n values, or n x k: what the objective gives."""
        import numpy as np
        from xgboost import DMatrix

        best = fitted.attr("best_iteration")  # where early stopping ended: later trees do not count
        trees = (0, 0) if best is None else (0, int(best) + 1)
        return np.asarray(fitted.predict(DMatrix(rows, enable_categorical=True), iteration_range=trees), np.float64)
