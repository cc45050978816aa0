"""Cross-validation within the training rows, by the rule that the rows were split by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import Task
from airflow_mlops.core.training.splits.keys import joined_key, uniform
from airflow_mlops.core.training.splits.parts import complete
from airflow_mlops.core.training.splits.temporal import moments
from airflow_mlops.core.training.tuning.settings import Tuning

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Fold:
    """Positions of the rows to fit on, and of those to judge on.

    :param fit: positions.
    :param judge: positions; none of them is in ``fit``.
    """

    fit: Array
    judge: Array


def folds(tuning: Tuning, target: pd.Series[Any], rows: pd.DataFrame, task: Task) -> list[Fold]:
    """Make the folds: by time, by group, or at random with the same share of each class in all.

    :param target: n targets.
    :param rows: the group or time columns of the same n rows.
    :raises BadInput: when a fold has no rows, or not all classes.
    """
    assert tuning.folds is not None
    if tuning.time:
        made = expanding(rows, tuning.time, tuning.folds, tuning.distance)
    else:
        if tuning.group:
            number = by_group(joined_key(rows, tuning.group), tuning.folds, tuning.seed)
        else:
            number = at_random(target if task != "regression" else None, len(target), tuning.folds, tuning.seed)
        made = [Fold((number != fold).nonzero()[0], (number == fold).nonzero()[0]) for fold in range(tuning.folds)]
    for fold, one in enumerate(made):
        _check(fold, one, target, task)
    return made


def by_group(keys: pd.Series[Any], count: int, seed: int) -> Array:
    """Give the fold of each row: groups are dealt out in the order of their hash, so that no fold has two groups more
    than another.

    :param keys: the text of each row's group.
    """
    names = keys.drop_duplicates()
    if len(names) < count:
        raise BadInput(f"{count} folds need {count} groups, and there are {len(names)}", mend="use fewer folds")
    dealt = names.iloc[uniform(names, seed).argsort(kind="stable")]
    return keys.map({name: place % count for place, name in enumerate(dealt)}).to_numpy(dtype="int64")


def at_random(classes: pd.Series[Any] | None, rows: int, count: int, seed: int) -> Array:
    """Give the fold of each row: rows are dealt out at random, class by class.

    :param classes: n classes; ``None`` when there are none.
    """
    import numpy as np
    import pandas as pd

    shuffled = np.random.default_rng(seed).permutation(rows)
    codes = np.zeros(rows) if classes is None else pd.factorize(classes, sort=True)[0]
    number = np.empty(rows, dtype=np.int64)
    number[np.lexsort((shuffled, codes))] = np.arange(rows) % count
    return number


def expanding(rows: pd.DataFrame, time: str, count: int, gap: timedelta) -> list[Fold]:
    """Cut the rows by time in one piece more than there are folds: each piece but the first is judged by a fit on all
    that is older, by more than the gap. Rows of one moment are never torn apart.

    :raises BadInput: when the column is missing, has missing values or holds no moments.
    """
    import numpy as np

    complete(rows, time)
    times = moments(rows[time]).to_numpy().astype("datetime64[us]")
    piece = np.searchsorted(np.sort(times), times, side="left") * (count + 1) // max(1, len(times))
    made = []
    for number in range(1, count + 1):
        judge = (piece == number).nonzero()[0]
        begin = times[judge].min() - np.timedelta64(gap) if len(judge) else times.min()
        made.append(Fold((times < begin).nonzero()[0], judge))
    return made


def _check(number: int, fold: Fold, target: pd.Series[Any], task: Task) -> None:
    """Make sure that a fold can be fitted and judged."""
    mend = "use fewer folds, or other columns for them"
    for what, positions in (("fit", fold.fit), ("judge", fold.judge)):
        if not len(positions):
            raise BadInput(f"fold {number} has no rows to {what} on", mend=mend)
        if task == "regression" or (task == "multiclass" and what == "judge"):
            continue
        missing = set(target.unique()) - set(target.iloc[positions].unique())
        if missing:
            shown = sorted(map(str, missing))[:5]
            raise BadInput(f"fold {number} has no rows of {target.name!r} = {shown} to {what} on", mend=mend)
