"""Models that are kept in their libraries' own formats, behind scikit-learn's interface.

What the formats leave out is kept beside them: the names of the classes, the columns, and what is done to the columns
before, as scikit-learn's own steps. The libraries are imported only where a model of theirs is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.training.native.library import Boosting, Library, plain
from airflow_mlops.core.training.native.lightgbm import LightGbm
from airflow_mlops.core.training.native.torch import Network, Torch
from airflow_mlops.core.training.native.xgboost import XgBoost

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

BOOSTING: dict[str, Boosting] = {"lightgbm": LightGbm(), "xgboost": XgBoost()}
LIBRARIES: dict[str, Library] = {**BOOSTING, "torch": Torch()}
# What the formats of the boosters hold whole: a ranker, say, is not among it.
_WHOLE = ("Booster", "LGBMClassifier", "LGBMRegressor", "XGBClassifier", "XGBRegressor")


@dataclass(slots=True, eq=False)
class NativeRegressor:
    """A model that predicts a number.

    :param library: ``lightgbm``, ``xgboost`` or ``torch``.
    :param fitted: the library's ``Booster``, or a :class:`Network`.
    :param columns: the feature columns, in the order that it was fitted on.
    :param prepare: fitted transformers that the columns go through first.
    """

    library: str
    fitted: Any
    columns: Sequence[str]
    prepare: Any = None

    @property
    def feature_names_in_(self) -> list[str]:
        """The columns, under the name that scikit-learn has for them."""
        return list(self.columns)

    def predict(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Give n values. Columns are found by their names, in whatever order they come."""
        return self._outputs(features, chances=False)

    def _outputs(self, features: pd.DataFrame, *, chances: bool) -> np.ndarray[Any, Any]:
        rows = features[list(self.columns)]
        if self.prepare is not None:
            rows = self.prepare.transform(rows)
        return LIBRARIES[self.library].outputs(self.fitted, rows, chances=chances)


@dataclass(slots=True, eq=False)
class NativeClassifier(NativeRegressor):
    """A model that gives each class a probability.

    :param classes_: the classes, in the order of the probabilities.
    """

    classes_: Sequence[Any] = field(default_factory=lambda: [0, 1])

    def predict_proba(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Give n x k probabilities."""
        import numpy as np

        chances = self._outputs(features, chances=True)
        return np.column_stack([1 - chances, chances]) if chances.ndim == 1 else chances

    def predict(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Give the likeliest class of each row."""
        import numpy as np

        return np.asarray(np.take(np.asarray(self.classes_), self.predict_proba(features).argmax(axis=1)))


def adapted(model: Any, columns: Sequence[str]) -> Any:
    """Give a model as it will be when it has been kept and loaded again.

    :param model: a fitted model: a ``Booster``, a model of LightGBM's or XGBoost's scikit-learn interface, a pipeline
        that ends in one, or anything else, which is given back as it is.
    :param columns: the feature columns that it gets.
    :raises BadInput: when a classifier's objective gives no probabilities.
    """
    prepare, last = None, model
    if steps := list(getattr(model, "steps", ())):
        last = steps[-1][1]
        prepare = model[:-1] if len(steps) > 1 else None
    library = type(last).__module__.partition(".")[0]
    if library not in BOOSTING or type(last).__name__ not in _WHOLE:
        return model
    fitted, classes = BOOSTING[library].fitted(last)
    if classes is None:
        if hasattr(last, "predict_proba"):
            raise BadInput(
                f"{type(last).__name__} was fitted with an objective that gives no probabilities",
                mend="use the library's own objective for classes",
            )
        return NativeRegressor(library, fitted, list(columns), prepare)
    return NativeClassifier(library, fitted, list(columns), prepare, classes)


def network(
    module: Any,
    *,
    build: str,
    columns: Sequence[str],
    arguments: Mapping[str, Any] | None = None,
    classes: Sequence[Any] | None = None,
    prepare: Any = None,
) -> NativeRegressor:
    """Give a fitted PyTorch network as a model: what a training function returns.

    :param module: a ``torch.nn.Module``. It takes n x d float32, in the order of ``columns`` or as ``prepare`` gives
        them, and gives n or n x 1 values; for classes logits: one a row for two of them, or n x k.
    :param build: the import path of the function that makes the layers, such as ``include.prices.net:layers``. It has
        to be named with ``trusted_types`` wherever the model is trained, judged or used.
    :param columns: the feature columns.
    :param arguments: the function's keywords: numbers, text, lists of them.
    :param classes: the classes, in the order of the logits; without them it predicts a number.
    :param prepare: fitted scikit-learn transformers that the columns go through first.
    """
    made = Network(module.eval(), build, dict(arguments or {}))
    if classes is None:
        return NativeRegressor("torch", made, list(columns), prepare)
    return NativeClassifier("torch", made, list(columns), prepare, plain(classes) or [])
