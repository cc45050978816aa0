"""Models of LightGBM and XGBoost, kept in the libraries' own formats: text and JSON, which no pickle is in.

What the two formats leave out is kept beside them: the names of the classes, the columns, and what is done to the
columns before, as scikit-learn's own steps. Both libraries are imported only where a model of theirs is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(slots=True, eq=False)
class BoosterRegressor:
    """A booster that predicts a number.

    :param library: ``lightgbm`` or ``xgboost``.
    :param booster: the library's ``Booster``.
    :param columns: the feature columns, in the order that it was fitted on.
    :param prepare: fitted transformers that the columns go through first.
    """

    library: str
    booster: Any
    columns: Sequence[str]
    prepare: Any = None

    @property
    def feature_names_in_(self) -> list[str]:
        """The columns, under the name that scikit-learn has for them."""
        return list(self.columns)

    def predict(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Give n values. Columns are found by their names, in whatever order they come."""
        return self._outputs(features)

    def _outputs(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        rows = features[list(self.columns)]
        if self.prepare is not None:
            rows = self.prepare.transform(rows)
        return LIBRARIES[self.library].outputs(self.booster, rows)


@dataclass(slots=True, eq=False)
class BoosterClassifier(BoosterRegressor):
    """A booster that gives each class a probability.

    :param classes_: the classes, in the order of the probabilities.
    """

    classes_: Sequence[Any] = field(default_factory=lambda: [0, 1])

    def predict_proba(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Give n x k probabilities."""
        import numpy as np

        chances = self._outputs(features)
        return np.column_stack([1 - chances, chances]) if chances.ndim == 1 else chances

    def predict(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Give the likeliest class of each row."""
        import numpy as np

        return np.asarray(np.take(np.asarray(self.classes_), self.predict_proba(features).argmax(axis=1)))


class Library(Protocol):
    """How a library keeps its boosters."""

    file: str

    @staticmethod
    def booster(model: Any) -> tuple[Any, list[Any] | None]:
        """Give the booster behind a model, and its classes; ``None`` for a regressor."""

    @staticmethod
    def save(booster: Any, path: Path) -> None:
        """Write it."""

    @staticmethod
    def load(content: bytes) -> Any:
        """Read it back from the file's content."""

    @staticmethod
    def outputs(booster: Any, rows: Any) -> np.ndarray[Any, Any]:
        """Give n values, or n x k: what the objective gives."""


class LightGbm:
    """LightGBM's text format."""

    file = "model.lgb"

    @staticmethod
    def booster(model: Any) -> tuple[Any, list[Any] | None]:
        """Give the booster behind a model, and its classes; ``None`` for a regressor."""
        from lightgbm import Booster

        if not isinstance(model, Booster):
            return model.booster_, _plain(getattr(model, "classes_", None))
        objective = str(model.dump_model(num_iteration=1).get("objective", ""))
        if objective.startswith("multiclass"):
            return model, list(range(model.num_model_per_iteration()))
        return model, [0, 1] if objective.startswith(("binary", "cross_entropy")) else None

    @staticmethod
    def save(booster: Any, path: Path) -> None:
        """Write it."""
        booster.save_model(str(path))

    @staticmethod
    def load(content: bytes) -> Any:
        """Read it back from the file's content."""
        from lightgbm import Booster

        return Booster(model_str=content.decode(errors="replace"))  # what is no text, it refuses itself

    @staticmethod
    def outputs(booster: Any, rows: Any) -> np.ndarray[Any, Any]:
        """Give n values, or n x k: what the objective gives."""
        import numpy as np

        return np.asarray(booster.predict(rows), dtype=np.float64)


class XgBoost:
    """XGBoost's JSON format."""

    file = "model.json"

    @staticmethod
    def booster(model: Any) -> tuple[Any, list[Any] | None]:
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
        return booster, _plain(getattr(model, "classes_", classes))

    @staticmethod
    def save(booster: Any, path: Path) -> None:
        """Write it."""
        booster.save_model(str(path))

    @staticmethod
    def load(content: bytes) -> Any:
        """Read it back from the file's content."""
        from xgboost import Booster

        booster = Booster()
        booster.load_model(bytearray(content))
        return booster

    @staticmethod
    def outputs(booster: Any, rows: Any) -> np.ndarray[Any, Any]:
        """Give n values, or n x k: what the objective gives."""
        import numpy as np
        from xgboost import DMatrix

        best = booster.attr("best_iteration")  # where early stopping ended: later trees do not count
        trees = (0, 0) if best is None else (0, int(best) + 1)
        return np.asarray(booster.predict(DMatrix(rows, enable_categorical=True), iteration_range=trees), np.float64)


# What the native formats hold whole: a ranker, say, is not among it.
_WHOLE = ("Booster", "LGBMClassifier", "LGBMRegressor", "XGBClassifier", "XGBRegressor")
LIBRARIES: dict[str, Library] = {"lightgbm": LightGbm(), "xgboost": XgBoost()}


def adapted(model: Any, columns: Sequence[str]) -> Any:
    """Give a model as it will be when it has been kept and loaded again.

    :param model: a fitted model: a ``Booster``, a model of either library's scikit-learn interface, a pipeline that
        ends in one, or anything else, which is given back as it is.
    :param columns: the feature columns that it gets.
    :raises BadInput: when a classifier's objective gives no probabilities.
    """
    prepare, last = None, model
    if steps := list(getattr(model, "steps", ())):
        last = steps[-1][1]
        prepare = model[:-1] if len(steps) > 1 else None
    library = type(last).__module__.partition(".")[0]
    if library not in LIBRARIES or type(last).__name__ not in _WHOLE:
        return model
    booster, classes = LIBRARIES[library].booster(last)
    if classes is None:
        if hasattr(last, "predict_proba"):
            raise BadInput(
                f"{type(last).__name__} was fitted with an objective that gives no probabilities",
                mend="use the library's own objective for classes",
            )
        return BoosterRegressor(library, booster, list(columns), prepare)
    return BoosterClassifier(library, booster, list(columns), prepare, classes)


def _plain(classes: Any) -> list[Any] | None:
    """Give classes as JSON has them."""
    return None if classes is None else [c.item() if hasattr(c, "item") else c for c in classes]
