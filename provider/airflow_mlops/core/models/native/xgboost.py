"""XGBoost models in their JSON format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.models.native.model_format import to_class_list

if TYPE_CHECKING:
    import numpy as np

FILE = "model.json"


class XgBoostFormat:
    """XGBoost's JSON format."""

    packages: Sequence[str] = ("xgboost",)

    def recognises(self, model: Any) -> bool:
        """Return whether it is a booster, classifier or regressor; a ranker is not stored completely."""
        kind = type(model)
        return kind.__module__.startswith("xgboost.") and kind.__name__ in ("Booster", "XGBClassifier", "XGBRegressor")

    def classes(self, model: Any) -> list[Any] | None:
        """Return the classes of a classifier, or those that a booster's objective implies."""
        import json

        learner = json.loads(_booster(model).save_config())["learner"]
        objective = learner["objective"]["name"]
        if objective == "multi:softmax":
            raise BadInput("the objective multi:softmax gives no probabilities", hint="use multi:softprob")
        if not objective.startswith(("multi:", "binary:logistic")):
            return None
        classes = range(max(2, int(learner["learner_model_param"]["num_class"])))
        return to_class_list(getattr(model, "classes_", classes))

    def save(self, model: Any, trusted: Sequence[str]) -> dict[str, bytes]:
        """Return the booster as JSON."""
        return {FILE: bytes(_booster(model).save_raw("json"))}

    def load(self, files: Mapping[str, bytes], trusted: Sequence[str]) -> Any:
        """Return the booster."""
        from xgboost import Booster

        booster = Booster()
        booster.load_model(bytearray(files[FILE]))
        return booster

    def predict(self, model: Any, rows: Any) -> np.ndarray[Any, Any]:
        """Return n values, or n x k, as the objective defines."""
        import numpy as np
        from xgboost import DMatrix

        booster = _booster(model)
        best_iteration = booster.attr("best_iteration")  # set by early stopping: later trees are ignored
        trees = (0, 0) if best_iteration is None else (0, int(best_iteration) + 1)
        return np.asarray(booster.predict(DMatrix(rows, enable_categorical=True), iteration_range=trees), np.float64)


def _booster(model: Any) -> Any:
    """Return the booster of a model, which may be one itself."""
    return model if type(model).__name__ == "Booster" else model.get_booster()
