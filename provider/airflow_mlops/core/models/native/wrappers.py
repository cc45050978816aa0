"""scikit-learn style wrappers of models that are stored in a :class:`ModelFormat`.

They add what a library's own format lacks: class names, columns, and preprocessing as fitted scikit-learn
transformers. Each library is imported only when one of its models is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.models.native.model_format import find_format, get_format, to_class_list
from airflow_mlops.core.models.native.torch import TorchNetwork

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(slots=True, eq=False)
class NativeRegressor:
    """A regression model that is stored in a format of its library.

    :param format: the name or import path of the format: ``lightgbm``, ``xgboost``, ``torch`` or another package's.
    :param fitted: what the format stores, such as the library's ``Booster``.
    :param columns: the feature columns, in the order used for fitting.
    :param prepare: fitted transformers applied to the columns first.
    """

    format: str
    fitted: Any
    columns: Sequence[str]
    prepare: Any = None

    @property
    def feature_names_in_(self) -> list[str]:
        """The columns, under scikit-learn's attribute name."""
        return list(self.columns)

    def predict(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return n predictions. Columns are selected by name, in any order."""
        return self._outputs(features)

    def _outputs(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        rows = features[list(self.columns)]
        if self.prepare is not None:
            rows = self.prepare.transform(rows)
        return get_format(self.format).predict(self.fitted, rows)


@dataclass(slots=True, eq=False)
class NativeClassifier(NativeRegressor):
    """A classification model that is stored in a format of its library.

    :param classes_: the classes, in the order of the probabilities.
    """

    classes_: Sequence[Any] = field(default_factory=lambda: [0, 1])

    def predict_proba(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return n x k probabilities."""
        import numpy as np

        raw = self._outputs(features)
        return np.column_stack([1 - raw, raw]) if raw.ndim == 1 else raw

    def predict(self, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the most probable class of each row."""
        import numpy as np

        return np.asarray(np.take(np.asarray(self.classes_), self.predict_proba(features).argmax(axis=1)))


def to_native(model: Any, columns: Sequence[str], trusted: Sequence[str] = ()) -> Any:
    """Return a model in the form it has after saving and loading.

    :param model: a fitted model that a format recognises, or a pipeline that ends in one. Any other model is returned
        unchanged.
    :param columns: the feature columns.
    :param trusted: names that the caller trusts, among them import paths of formats.
    :raises BadInput: when a classifier's objective gives no probabilities.
    """
    if isinstance(model, NativeRegressor):
        return model
    prepare, estimator = None, model
    if steps := list(getattr(model, "steps", ())):
        estimator = steps[-1][1]
        prepare = model[:-1] if len(steps) > 1 else None
    name = find_format(estimator, trusted)
    if name is None:
        return model
    classes = to_class_list(get_format(name).classes(estimator))
    if classes is not None:
        return NativeClassifier(name, estimator, list(columns), prepare, classes)
    if hasattr(estimator, "predict_proba"):
        raise BadInput(
            f"{type(estimator).__name__} was fitted with an objective that gives no probabilities",
            hint="use one of the library's classification objectives",
        )
    return NativeRegressor(name, estimator, list(columns), prepare)


def wrap_network(
    module: Any,
    *,
    build: str,
    columns: Sequence[str],
    arguments: Mapping[str, Any] | None = None,
    classes: Sequence[Any] | None = None,
    prepare: Any = None,
) -> NativeRegressor:
    """Wrap a fitted PyTorch module as a model that a training function can return.

    :param module: a ``torch.nn.Module``. Input: n x d float32, in the order of ``columns`` or as output by ``prepare``.
        Output: n or n x 1 values; for classifiers logits, one per row for two classes, or n x k.
    :param build: the import path of the function that builds the layers, such as ``include.prices.net:layers``. It must
        be listed in ``trusted_types`` wherever the model is trained, evaluated or used.
    :param columns: the feature columns.
    :param arguments: the function's keywords: numbers, text, lists of them.
    :param classes: the classes, in the order of the logits; ``None`` for a regressor.
    :param prepare: fitted scikit-learn transformers applied to the columns first.
    """
    wrapped = TorchNetwork(module.eval(), build, dict(arguments or {}), logits=classes is not None)
    if classes is None:
        return NativeRegressor("torch", wrapped, list(columns), prepare)
    return NativeClassifier("torch", wrapped, list(columns), prepare, to_class_list(classes) or [])
