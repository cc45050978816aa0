"""Weights of training rows, from a column or by class, for any estimator that accepts weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SAMPLE_WEIGHT = "sample_weight"
# Attributes under which meta-estimators hold the wrapped estimator.
_INNER_ATTRIBUTES = ("estimator", "regressor")


def compute_row_weights(
    target: pd.Series[Any],
    column_weights: pd.Series[Any] | None,
    class_weight: str | Mapping[Any, float] | None,
    *,
    where: str,
) -> np.ndarray[Any, Any] | None:
    """Compute the weight of each row: its column weight times its class weight.

    :param target: n targets.
    :param column_weights: n weights of a column.
    :param class_weight: ``balanced``, which gives the class c of k classes n / (k * rows of c) as scikit-learn does
        (King and Zeng 2001), or class -> weight; classes may be text, as JSON keys are.
    :returns: n floats, or ``None`` when neither is given.
    :raises BadInput: when a weight is missing, negative or not finite, all are 0, or a class has none.
    """
    import numpy as np

    weights = None
    if column_weights is not None:
        weights = _check_weights(column_weights, where)
    if class_weight is not None:
        by_class = _class_weights(target, class_weight, where)
        weights = by_class if weights is None else weights * by_class
    if weights is not None and not np.any(weights > 0):
        raise BadInput("all rows have the weight 0", where=where)
    return weights


def fit_with_weights(estimator: Any, features: pd.DataFrame, target: pd.Series[Any], weights: Any) -> Any:
    """Fit an estimator with row weights.

    :param weights: n floats, or ``None`` to fit missing weights.
    :raises BadInput: when the estimator, or the last step of the pipeline, does not accept weights.
    """
    import warnings

    if weights is None:
        return estimator.fit(features, target)
    keyword = find_weight_keyword(estimator)
    if keyword is None:
        raise BadInput(
            f"{_last_step_name(estimator)} does not accept sample_weight",
            hint="use an estimator whose fit has sample_weight, or remove sample_weight and class_weight",
        )
    with warnings.catch_warnings():
        # CalibratedClassifierCV only warns that its inner estimator is then fitted missing the weights.
        warnings.filterwarnings("error", message=".*sample weights will only be used for the calibration")
        try:
            return estimator.fit(features, target, **{keyword: weights})
        except UserWarning as warning:
            raise BadInput(str(warning), hint="put the calibration inside the pipeline, as its last step") from None


def find_weight_keyword(estimator: Any) -> str | None:
    """Return the keyword under which ``fit`` accepts weights.

    :returns: ``sample_weight``; for a pipeline that of its last step, such as ``model__sample_weight``; ``None`` when
        there is none. With scikit-learn's metadata routing enabled, a pipeline gets ``sample_weight`` and routes it.
    """
    import sklearn
    from sklearn.utils.validation import has_fit_parameter

    if steps := getattr(estimator, "steps", None):
        if sklearn.get_config().get("enable_metadata_routing"):
            return SAMPLE_WEIGHT
        name, last = steps[-1]
        inner = find_weight_keyword(last)
        return None if inner is None else f"{name}__{inner}"
    if has_fit_parameter(estimator, SAMPLE_WEIGHT):
        return SAMPLE_WEIGHT
    for name in _INNER_ATTRIBUTES:  # such as GridSearchCV, which forwards all keywords of fit
        if hasattr(estimator, name) and _accepts_any_keyword(estimator.fit):
            return find_weight_keyword(getattr(estimator, name))
    return None


def _accepts_any_keyword(function: Any) -> bool:
    import inspect

    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def _last_step_name(estimator: Any) -> str:
    while steps := getattr(estimator, "steps", None):
        estimator = steps[-1][1]
    return type(estimator).__name__


def _check_weights(column: pd.Series[Any], where: str) -> np.ndarray[Any, Any]:
    import numpy as np
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise BadInput(f"the weights {column.name!r} are not numbers; got {column.dtype}", where=where)
    weights = column.to_numpy(dtype=np.float64)
    invalid = ~np.isfinite(weights) | (weights < 0)
    if invalid.any():
        raise BadInput(
            f"{int(invalid.sum())} weights {column.name!r} are missing, infinite or negative, "
            f"such as {weights[invalid][0]}",
            where=where,
            hint="give every row a finite weight of 0 or more",
        )
    return weights


def _class_weights(target: pd.Series[Any], class_weight: str | Mapping[Any, float], where: str) -> np.ndarray[Any, Any]:
    import numpy as np

    counts = target.value_counts()
    if class_weight == "balanced":
        table = {name: len(target) / (len(counts) * rows) for name, rows in counts.items()}
        return np.asarray(target.map(table), dtype=np.float64)
    if not isinstance(class_weight, Mapping):
        raise BadInput(f"class_weight={class_weight!r} is not valid", hint="use 'balanced', or class -> weight")
    by_name = {_class_name(key): value for key, value in class_weight.items()}
    missing = [name for name in counts.index if _class_name(name) not in by_name]
    if missing:
        raise BadInput(
            f"class_weight has no weight for {[_class_name(name) for name in missing[:5]]}",
            where=where,
            hint=f"it has {sorted(by_name)[:10]}; give each class of {target.name!r} one",
        )
    try:
        table = {name: float(by_name[_class_name(name)]) for name in counts.index}
    except (TypeError, ValueError):
        raise BadInput(f"class_weight has a weight that is not a number: {dict(class_weight)!r}") from None
    invalid = [weight for weight in table.values() if not (np.isfinite(weight) and weight >= 0)]
    if invalid:
        raise BadInput(f"class_weight has the invalid weight {invalid[0]}", hint="give finite weights of 0 or more")
    return np.asarray(target.map(table), dtype=np.float64)


def _class_name(value: Any) -> str:
    """Return a class as a JSON key: 1, 1.0, True and "1" are the same class."""
    if isinstance(value, str):
        return value
    number = float(value) if hasattr(value, "__float__") else None
    return str(int(number)) if number is not None and number == int(number) else str(value)
