"""Gate rows: features, encoded target, keys, clusters, slices and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.evaluation.slicing import slice_labels
from airflow_mlops.core.metrics import Array, Task, row_losses
from airflow_mlops.core.training.targets import check_target, encode_classes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class GateRows:
    """Rows on which models are evaluated.

    :param features: n raw feature rows; each model uses its own columns.
    :param keys: n texts, the key of each row.
    :param clusters: n texts; rows with the same value are dependent.
    :param target: n true values; 0 and 1 in a binary task, the class number in a multiclass one.
    :param task: of the metric.
    :param classes: a multiclass task's classes, in the order of their numbers.
    :param slices: column -> n texts, the slice of each row.
    :param groups: protected attribute -> n texts.
    :param dropped: features that only an older champion uses.
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
    def challenger_features(self) -> pd.DataFrame:
        """The feature rows of the challenger."""
        return self.features[[name for name in self.features.columns if name not in self.dropped]]

    def __len__(self) -> int:
        return len(self.target)

    def cluster_numbers(self) -> Array:
        """Return the clusters as numbers from 0 on."""
        return np.asarray(np.unique(self.clusters, return_inverse=True)[1])

    def losses(self, scores: Array) -> Array:
        """Compute the loss of each row."""
        return row_losses(self.task, self.target, scores)


def read_rows(
    rows: Snapshot, *, key: Sequence[str], cluster: str, target: str, features: Sequence[str], **options: Any
) -> GateRows:
    """Read the gate rows; for the parameters see :func:`rows_of`.

    :raises BadInput: when there are no rows, a column is missing, or a target is missing or not valid for the task.
    """
    extra = [*options.get("slices", ()), *options.get("groups", ()), *options.get("dropped", ())]
    frame = rows.to_pandas(list(dict.fromkeys([*key, cluster, target, *features, *extra])))
    columns: dict[str, Any] = {"key": key, "cluster": cluster, "target": target, "features": features}
    return build_rows(frame, where=f"{rows.name} ({rows.ref.id})", **columns, **options)


def build_rows(
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
    """Build gate rows from a frame.

    :param key: the columns that identify a row.
    :param cluster: the column whose equal values mark dependent rows.
    :param classes: a multiclass task's classes.
    :param slices: columns to evaluate slice by slice; numbers are cut into quartiles.
    :param groups: columns with protected attributes; they need not be features.
    :param dropped: columns that are no longer features, but that an older champion needs.
    :param where: location for error messages.
    :raises BadInput: when there are no rows, or a target is missing or not valid for the task.
    """
    if frame.empty:
        raise BadInput("there are no gate rows", where=where, hint="check the fractions of the split")
    return GateRows(
        features=frame[[*features, *dropped]],
        keys=row_keys(frame, key).to_numpy(),
        clusters=frame[cluster].astype(str).to_numpy(),
        target=encode_target(frame[target], task, classes, where),
        task=task,
        classes=tuple(classes),
        slices={name: slice_labels(frame[name]) for name in slices},
        groups={name: slice_labels(frame[name]) for name in groups},
        dropped=frozenset(dropped),
    )


def row_keys(frame: pd.DataFrame, key: Sequence[str]) -> pd.Series[str]:
    """Return the key of each row as text."""
    keys, *others = (frame[column].astype(str).astype(object) for column in key)
    for column in others:
        keys = keys.str.cat(column, sep="|", na_rep="missing")
    return keys


def encode_target(target: pd.Series[Any], task: Task, classes: Sequence[Any], where: str) -> Array:
    """Encode the target as numbers for the metrics. A single class is valid here; the gate blocks it.

    :param target: n true values as stored.
    :param classes: a multiclass task's classes, in the order of their numbers.
    :param where: location for error messages.
    :returns: n floats.
    :raises BadInput: when a value is missing, not 0 or 1, not a number, or a class that the model does not support.
    """
    if task == "regression" or target.isna().any():
        check_target(target, task, where=where)
    if task == "multiclass":
        return encode_classes(target, classes, where=where)
    if task == "binary" and not target.isin([0, 1]).all():
        raise BadInput(
            f"{target.name!r} has the values {target.unique()[:5].tolist()}, a binary task has 0 and 1",
            where=where,
            hint="encode the classes as 0 and 1, or use a multiclass metric, such as log_loss_multiclass",
        )
    return target.to_numpy(dtype="float64")
