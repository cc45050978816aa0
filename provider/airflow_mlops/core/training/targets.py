"""What a target has to be for a task, and how metrics see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def check_target(target: pd.Series[Any], task: Task, *, where: str) -> None:
    """Make sure that a model of a task can be fitted to a target, or judged on it.

    :param target: n values, named.
    :param where: the rows, for the error.
    :raises BadInput: when values are missing, or are not what the task needs: 0 and 1, both there (binary); more than
        one class (multiclass); finite numbers (regression).
    """
    missing = int(target.isna().sum())
    if missing:
        raise BadInput(
            f"{missing} rows have no {target.name!r}", where=where, mend="leave them out, or wait for their labels"
        )
    _CHECKS[task](target, where)


def check_classes(target: pd.Series[Any], *, where: str) -> None:
    """Make sure that training rows have classes enough for a multiclass task.

    :raises BadInput: when there are two.
    """
    if target.nunique() == 2:
        raise BadInput(
            f"{target.name!r} has two classes, {_shown(target.unique())}; a multiclass task has three or more",
            where=where,
            mend="code them 0 and 1 and use a binary metric, such as roc_auc",
        )


def numbered(target: pd.Series[Any], classes: Sequence[Any], *, where: str) -> np.ndarray[Any, Any]:
    """Give each class its number, as metrics of the task ``multiclass`` need it.

    :param target: n classes.
    :param classes: those that the model knows, in the order of its probabilities.
    :returns: n floats from 0 to k-1.
    :raises BadInput: when there is a class that the model does not know.
    """
    import numpy as np

    numbers = {name: number for number, name in enumerate(classes)}
    unknown = [name for name in target.unique() if name not in numbers]
    if unknown:
        raise BadInput(
            f"{target.name!r} has classes that the model does not know: {_shown(unknown)}",
            where=where,
            mend=f"it was trained on {_shown(classes)}; train on rows of every class",
        )
    return np.asarray(target.map(numbers), dtype=np.float64)


def _shown(values: Iterable[Any]) -> str:
    shown = [repr(v.item() if hasattr(v, "item") else v)[:50] for v in values]
    return ", ".join(shown[:5] + ["…"] * (len(shown) > 5))


def _check_binary(target: pd.Series[Any], where: str) -> None:
    if target.nunique() == 2 and target.isin([0, 1]).all():
        return
    raise BadInput(
        f"{target.name!r} has the values {target.unique()[:5].tolist()}, a binary task has 0 and 1",
        where=where,
        mend="code the classes 0 and 1, have rows of both, or use another metric",
    )


def _check_multiclass(target: pd.Series[Any], where: str) -> None:
    import pandas as pd

    classes = target.unique()
    if pd.api.types.is_float_dtype(target.dtype) and (target % 1 != 0).any():
        raise BadInput(
            f"{target.name!r} has fractions such as {_shown(target[target % 1 != 0].unique())}: these are no classes",
            where=where,
            mend="name the classes by text or whole numbers, or use a metric of regression, such as rmse",
        )
    if len(classes) == 1:
        raise BadInput(
            f"all rows have the class {_shown(classes)} as {target.name!r}",
            where=where,
            mend="have rows of every class; check the split and the query",
        )


def _check_regression(target: pd.Series[Any], where: str) -> None:
    import numpy as np
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(target.dtype):
        raise BadInput(
            f"{target.name!r} has values such as {_shown(target.unique())}: these are no numbers",
            where=where,
            mend="cast it to numbers at the source, or use a metric of classes, such as log_loss_multiclass",
        )
    infinite = int((~np.isfinite(target.to_numpy(dtype=np.float64))).sum())
    if infinite:
        raise BadInput(f"{infinite} rows have an infinite {target.name!r}", where=where, mend="leave them out")


_CHECKS = {"binary": _check_binary, "multiclass": _check_multiclass, "regression": _check_regression}
