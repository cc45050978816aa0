"""The gate rows: features, the target as metrics take it, and what each row is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation.slices import labels_of
from airflow_mlops.core.metrics import Array, Task, row_losses
from airflow_mlops.core.training.targets import check_target, numbered

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class GateRows:
    """Rows on which models are judged.

    :param features: n raw feature rows; each model takes its own columns.
    :param keys: n texts, each row's name.
    :param clusters: n texts; rows with the same one belong together.
    :param target: n true values; 0 and 1 in a binary task, the class's number in a multiclass one.
    :param task: of the metric.
    :param classes: a multiclass task's classes, in the order of their numbers.
    :param slices: column -> n texts: the slice that each row is in.
    :param groups: protected attribute -> n texts.
    :param dropped: those of the features that only an older model gets.
    """

    features: pd.DataFrame
    keys: Array
    clusters: Array
    target: Array
    task: Task
    classes: tuple[Any, ...] = ()
    slices: Mapping[str, Array] = field(default_factory=dict)
    groups: Mapping[str, Array] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()

    @property
    def own(self) -> pd.DataFrame:
        """The feature rows of the model that is judged."""
        return self.features[[name for name in self.features.columns if name not in self.dropped]]

    def __len__(self) -> int:
        return len(self.target)

    def numbered(self) -> Array:
        """Give the clusters as numbers from 0 on."""
        return np.asarray(np.unique(self.clusters, return_inverse=True)[1])

    def losses(self, scores: Array) -> Array:
        """Give each row's loss under some scores."""
        return row_losses(self.task, self.target, scores)


def read_rows(
    rows: Snapshot, *, key: Sequence[str], cluster: str, target: str, features: Sequence[str], **how: Any
) -> GateRows:
    """Read the gate rows; parameters as of :func:`rows_of`.

    :raises BadInput: when there are no rows, a column is missing, or a target is missing or not of the task.
    """
    parted = [*how.get("slices", ()), *how.get("groups", ()), *how.get("dropped", ())]
    frame = rows.to_pandas(list(dict.fromkeys([*key, cluster, target, *features, *parted])))
    named: dict[str, Any] = {"key": key, "cluster": cluster, "target": target, "features": features}
    return rows_of(frame, where=f"{rows.name} ({rows.ref.id})", **named, **how)


def rows_of(
    frame: pd.DataFrame,
    *,
    task: Task,
    key: Sequence[str],
    cluster: str,
    target: str,
    features: Sequence[str],
    classes: Sequence[Any] = (),
    slices: Sequence[str] = (),
    groups: Sequence[str] = (),
    dropped: Sequence[str] = (),
    where: str = "gate rows",
) -> GateRows:
    """Make gate rows of a frame.

    :param key: the columns that name a row.
    :param cluster: the column whose equal values belong together.
    :param classes: a multiclass task's classes.
    :param slices: columns to look at slice by slice; numbers are cut into quarters.
    :param groups: columns with protected attributes; they need not be features.
    :param dropped: columns that are no features any more, which an older model still gets.
    :param where: what the rows are called, for the errors.
    :raises BadInput: when there are no rows, or a target is missing or not of the task.
    """
    if frame.empty:
        raise BadInput("there are no gate rows to judge a model by", where=where, mend="check the split's shares")
    return GateRows(
        features=frame[[*features, *dropped]],
        keys=row_keys(frame, key).to_numpy(),
        clusters=frame[cluster].astype(str).to_numpy(),
        target=encoded(frame[target], task, classes, where),
        task=task,
        classes=tuple(classes),
        slices={name: labels_of(frame[name]) for name in slices},
        groups={name: labels_of(frame[name]) for name in groups},
        dropped=frozenset(dropped),
    )


def row_keys(frame: pd.DataFrame, key: Sequence[str]) -> pd.Series[str]:
    """Give the text by which the evidence names each row."""
    first, *others = (frame[column].astype(str).astype(object) for column in key)
    for column in others:
        first = first.str.cat(column, sep="|", na_rep="missing")
    return first


def encoded(target: pd.Series[Any], task: Task, classes: Sequence[Any], where: str) -> Array:
    """Give the target as metrics take it. One class alone is let through: it is for the gate to say what that means.

    :param target: n true values as they stand in the rows.
    :param classes: a multiclass task's classes, in the order of their numbers.
    :param where: what the rows are called, for the errors.
    :returns: n floats.
    :raises BadInput: when one is missing, is not 0 or 1, is no number, or is a class that the model does not know.
    """
    if task == "regression" or target.isna().any():
        check_target(target, task, where=where)
    if task == "multiclass":
        return numbered(target, classes, where=where)
    if task == "binary" and not target.isin([0, 1]).all():
        raise BadInput(
            f"{target.name!r} has the values {target.unique()[:5].tolist()}, a binary task has 0 and 1",
            where=where,
            mend="code the classes 0 and 1, or use a metric of several classes, such as log_loss_multiclass",
        )
    return target.to_numpy(dtype="float64")
