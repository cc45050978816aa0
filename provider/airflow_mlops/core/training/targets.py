"""Checks and encoding of prediction targets, by task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.metrics import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def check_target(target: pd.Series[Any], task: Task, *, where: str) -> None:
    """Check that a target is valid for fitting or evaluating a model of a task.

    :param target: n values, named.
    :param where: the name of the rows, for error messages.
    :raises BadInput: when values are missing or invalid for the task. Valid are 0 and 1, both present (binary); more
        than one class (multiclass); finite numbers (regression).
    """
    missing = int(target.isna().sum())
    if missing:
        raise BadInput(
            f"{missing} rows have no {target.name!r}", where=where, hint="exclude them, or wait for their labels"
        )
    _CHECKS[task](target, where)


def check_classes(target: pd.Series[Any], *, where: str) -> None:
    """Check that training rows have enough classes for a multiclass task.

    :raises BadInput: when there are only two.
    """
    if target.nunique() == 2:
        raise BadInput(
            f"{target.name!r} has two classes, {_format_values(target.unique())}; a multiclass task has three or more",
            where=where,
            hint="code them 0 and 1 and use a binary metric, such as roc_auc",
        )


def encode_classes(target: pd.Series[Any], classes: Sequence[Any], *, where: str) -> np.ndarray[Any, Any]:
    """Encode classes as numbers, as multiclass metrics need them.

    :param target: n classes.
    :param classes: the model's classes, in the order of its probabilities.
    :returns: n floats from 0 to k-1.
    :raises BadInput: when the target has a class that the model was not trained on.
    """
    import numpy as np

    numbers = {name: number for number, name in enumerate(classes)}
    unknown = [name for name in target.unique() if name not in numbers]
    if unknown:
        raise BadInput(
            f"{target.name!r} has classes that the model was not trained on: {_format_values(unknown)}",
            where=where,
            hint=f"it was trained on {_format_values(classes)}; train on rows of every class",
        )
    return np.asarray(target.map(numbers), dtype=np.float64)


def _format_values(values: Iterable[Any]) -> str:
    texts = [repr(v.item() if hasattr(v, "item") else v)[:50] for v in values]
    return ", ".join(texts[:5] + ["…"] * (len(texts) > 5))


def _check_binary(target: pd.Series[Any], where: str) -> None:
    if target.nunique() == 2 and target.isin([0, 1]).all():
        return
    raise BadInput(
        f"{target.name!r} is not a binary target of 0 and 1; got the values {target.unique()[:5].tolist()}",
        where=where,
        hint="code the classes 0 and 1, include rows of both, or use another metric",
    )


def _check_multiclass(target: pd.Series[Any], where: str) -> None:
    import pandas as pd

    classes = target.unique()
    if pd.api.types.is_float_dtype(target.dtype) and (target % 1 != 0).any():
        raise BadInput(
            f"{target.name!r} has fractional values, such as {_format_values(target[target % 1 != 0].unique())}",
            where=where,
            hint="use text or integers as classes, or a regression metric, such as rmse",
        )
    if len(classes) == 1:
        raise BadInput(
            f"all rows have the class {_format_values(classes)} as {target.name!r}",
            where=where,
            hint="include rows of every class; check the split and the query",
        )


def _check_regression(target: pd.Series[Any], where: str) -> None:
    import numpy as np
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(target.dtype):
        raise BadInput(
            f"{target.name!r} has values such as {_format_values(target.unique())}, which are not numbers",
            where=where,
            hint="cast it to numbers at the source, or use a classification metric, such as log_loss_multiclass",
        )
    infinite = int((~np.isfinite(target.to_numpy(dtype=np.float64))).sum())
    if infinite:
        raise BadInput(f"{infinite} rows have an infinite {target.name!r}", where=where, hint="exclude them")


_CHECKS = {"binary": _check_binary, "multiclass": _check_multiclass, "regression": _check_regression}
