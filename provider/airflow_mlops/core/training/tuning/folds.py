"""Cross-validation folds within the training rows: by time, by group or at random."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.metrics import Task
from airflow_mlops.core.training.splits.keys import hash_to_unit_interval, join_key_columns
from airflow_mlops.core.training.splits.parts import check_complete
from airflow_mlops.core.training.splits.temporal import parse_timestamps
from airflow_mlops.core.training.tuning.settings import Tuning

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Fold:
    """Row positions of a fold.

    :param train: positions of the rows to fit on.
    :param test: positions of the rows to evaluate on; disjoint from ``train``.
    """

    train: Array
    test: Array


def make_folds(tuning: Tuning, target: pd.Series[Any], rows: pd.DataFrame, task: Task) -> list[Fold]:
    """Return the folds: by time, by group, or at random with equal class proportions.

    :param target: n targets.
    :param rows: the group or time columns of the same n rows.
    :raises BadInput: when a fold has no rows, or lacks a class.
    """
    assert tuning.folds is not None
    if tuning.time:
        result = make_expanding_folds(rows, tuning.time, tuning.folds, tuning.gap_duration)
    else:
        if tuning.group:
            fold_of_row = assign_group_folds(join_key_columns(rows, tuning.group), tuning.folds, tuning.seed)
        else:
            fold_of_row = assign_random_folds(
                target if task != "regression" else None, len(target), tuning.folds, tuning.seed
            )
        result = [
            Fold((fold_of_row != fold).nonzero()[0], (fold_of_row == fold).nonzero()[0]) for fold in range(tuning.folds)
        ]
    for number, fold in enumerate(result):
        _check_fold(number, fold, target, task)
    return result


def assign_group_folds(keys: pd.Series[Any], count: int, seed: int) -> Array:
    """Return the fold of each row. Groups are assigned in turn, ordered by hash, so that fold sizes differ by at most
    one group.

    :param keys: the text of each row's group.
    """
    names = keys.drop_duplicates()
    if len(names) < count:
        raise BadInput(f"{count} folds need {count} groups; there are {len(names)}", hint="use fewer folds")
    ordered = names.iloc[hash_to_unit_interval(names, seed).argsort(kind="stable")]
    return keys.map({name: rank % count for rank, name in enumerate(ordered)}).to_numpy(dtype="int64")


def assign_random_folds(classes: pd.Series[Any] | None, rows: int, count: int, seed: int) -> Array:
    """Return the fold of each row. Rows are assigned in turn in random order, class by class.

    :param classes: n classes; ``None`` for regression.
    """
    import numpy as np
    import pandas as pd

    shuffled = np.random.default_rng(seed).permutation(rows)
    codes = np.zeros(rows) if classes is None else pd.factorize(classes, sort=True)[0]
    number = np.empty(rows, dtype=np.int64)
    number[np.lexsort((shuffled, codes))] = np.arange(rows) % count
    return number


def make_expanding_folds(rows: pd.DataFrame, time: str, count: int, gap: timedelta) -> list[Fold]:
    """Return expanding-window folds. The rows are cut by time into ``count + 1`` pieces; each piece but the first is
    evaluated by a fit on all rows older by more than the gap. Rows with equal timestamps stay together.

    :raises BadInput: when the column is missing, has missing values or does not hold timestamps.
    """
    import numpy as np

    check_complete(rows, time)
    times = parse_timestamps(rows[time]).to_numpy().astype("datetime64[us]")
    piece = np.searchsorted(np.sort(times), times, side="left") * (count + 1) // max(1, len(times))
    result = []
    for number in range(1, count + 1):
        positions = (piece == number).nonzero()[0]
        start = times[positions].min() - np.timedelta64(gap) if len(positions) else times.min()
        result.append(Fold((times < start).nonzero()[0], positions))
    return result


def _check_fold(number: int, fold: Fold, target: pd.Series[Any], task: Task) -> None:
    """Check that a fold can be fitted and evaluated."""
    hint = "use fewer folds, or other columns for them"
    for purpose, positions in (("fit", fold.train), ("evaluate", fold.test)):
        if not len(positions):
            raise BadInput(f"fold {number} has no rows to {purpose} on", hint=hint)
        if task == "regression" or (task == "multiclass" and purpose == "evaluate"):
            continue
        missing = set(target.unique()) - set(target.iloc[positions].unique())
        if missing:
            shown = sorted(map(str, missing))[:5]
            raise BadInput(f"fold {number} has no rows of {target.name!r} = {shown} to {purpose} on", hint=hint)
