"""Weights of training rows: given in a column, or by class, so that any estimator that takes weights can use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

KEYWORD = "sample_weight"
# Where estimators that wrap another one keep it, beside a Pipeline's last step.
_WRAPPED = ("estimator", "regressor")


def row_weights(
    target: pd.Series[Any],
    given: pd.Series[Any] | None,
    class_weight: str | Mapping[Any, float] | None,
    *,
    where: str,
) -> np.ndarray[Any, Any] | None:
    """Give the weight of each row: that of its column times that of its class.

    :param target: n targets.
    :param given: n weights of a column.
    :param class_weight: ``balanced``, which gives the class c of k classes n / (k * rows of c) as scikit-learn does
        (King and Zeng 2001), or class -> weight; the classes may be written as text, as JSON has them.
    :returns: n floats, or ``None`` when there are neither.
    :raises BadInput: when a weight is missing, negative or not finite, all are 0, or a class has none.
    """
    import numpy as np

    weights = None
    if given is not None:
        weights = _checked(given, where)
    if class_weight is not None:
        by_class = _by_class(target, class_weight, where)
        weights = by_class if weights is None else weights * by_class
    if weights is not None and not np.any(weights > 0):
        raise BadInput("all rows have the weight 0", where=where)
    return weights


def weighted_fit(estimator: Any, features: pd.DataFrame, target: pd.Series[Any], weights: Any) -> Any:
    """Fit an estimator with row weights.

    :param weights: n floats, or ``None``: fitted as if there were no such thing.
    :raises BadInput: when the estimator, or the last step of the pipeline, takes no weights.
    """
    import warnings

    if weights is None:
        return estimator.fit(features, target)
    keyword = weight_keyword(estimator)
    if keyword is None:
        raise BadInput(
            f"{_deepest(estimator)} takes no sample_weight",
            mend="use an estimator whose fit has sample_weight, or leave out sample_weight and class_weight",
        )
    with warnings.catch_warnings():
        # CalibratedClassifierCV only warns that what it wraps is then fitted without the weights.
        warnings.filterwarnings("error", message=".*sample weights will only be used for the calibration")
        try:
            return estimator.fit(features, target, **{keyword: weights})
        except UserWarning as warning:
            raise BadInput(str(warning), mend="put the calibration inside the pipeline, as its last step") from None


def weight_keyword(estimator: Any) -> str | None:
    """Say under which keyword ``fit`` takes weights.

    :returns: ``sample_weight``; for a pipeline that of its last step, such as ``model__sample_weight``; ``None`` when
        there is none. Where scikit-learn's own metadata routing is switched on, a pipeline gets ``sample_weight`` and
        routes it as it was told to.
    """
    import sklearn
    from sklearn.utils.validation import has_fit_parameter

    if steps := getattr(estimator, "steps", None):
        if sklearn.get_config().get("enable_metadata_routing"):
            return KEYWORD
        name, last = steps[-1]
        inner = weight_keyword(last)
        return None if inner is None else f"{name}__{inner}"
    if has_fit_parameter(estimator, KEYWORD):
        return KEYWORD
    for name in _WRAPPED:  # such as GridSearchCV: hands all keywords of fit on
        if hasattr(estimator, name) and _takes_any(estimator.fit):
            return weight_keyword(getattr(estimator, name))
    return None


def _takes_any(function: Any) -> bool:
    import inspect

    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def _deepest(estimator: Any) -> str:
    while steps := getattr(estimator, "steps", None):
        estimator = steps[-1][1]
    return type(estimator).__name__


def _checked(given: pd.Series[Any], where: str) -> np.ndarray[Any, Any]:
    import numpy as np
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(given.dtype):
        raise BadInput(f"the weights {given.name!r} are {given.dtype}, not numbers", where=where)
    weights = given.to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(weights) | (weights < 0)
    if wrong.any():
        raise BadInput(
            f"{int(wrong.sum())} weights {given.name!r} are missing, infinite or negative, such as {weights[wrong][0]}",
            where=where,
            mend="give every row a finite weight of 0 or more",
        )
    return weights


def _by_class(target: pd.Series[Any], class_weight: str | Mapping[Any, float], where: str) -> np.ndarray[Any, Any]:
    import numpy as np

    counts = target.value_counts()
    if class_weight == "balanced":
        table = {name: len(target) / (len(counts) * rows) for name, rows in counts.items()}
        return np.asarray(target.map(table), dtype=np.float64)
    if not isinstance(class_weight, Mapping):
        raise BadInput(f"class_weight={class_weight!r} is not known", mend="give 'balanced', or class -> weight")
    by_name = {_name(key): value for key, value in class_weight.items()}
    without = [name for name in counts.index if _name(name) not in by_name]
    if without:
        raise BadInput(
            f"class_weight has no weight for {[_name(name) for name in without[:5]]}",
            where=where,
            mend=f"it has {sorted(by_name)[:10]}; give each class of {target.name!r} one",
        )
    try:
        table = {name: float(by_name[_name(name)]) for name in counts.index}
    except (TypeError, ValueError):
        raise BadInput(f"class_weight has a weight that is no number: {dict(class_weight)!r}") from None
    wrong = [weight for weight in table.values() if not (np.isfinite(weight) and weight >= 0)]
    if wrong:
        raise BadInput(f"class_weight has the weight {wrong[0]}", mend="give finite weights of 0 or more")
    return np.asarray(target.map(table), dtype=np.float64)


def _name(value: Any) -> str:
    """Give a class as JSON would name it: 1, 1.0, True and "1" are one class."""
    if isinstance(value, str):
        return value
    number = float(value) if hasattr(value, "__float__") else None
    return str(int(number)) if number is not None and number == int(number) else str(value)
