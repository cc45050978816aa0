"""Evidence snapshots: the scores of both models on the same gate rows, for paired comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.evaluation.gate_rows import GateRows
from airflow_mlops.core.gate import Evidence
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.training.splits import format_keys

if TYPE_CHECKING:
    import pandas as pd

KEY, CLUSTER, TARGET = "row_key", "cluster", "target"
SCORE, LOSS, SLICE, GROUP = "score_", "loss_", "slice_", "group_"


def write_evidence(
    root: SnapshotRoot, dataset: str, rows: GateRows, scores: Mapping[str, Array], *, source: SnapshotRef
) -> SnapshotRef:
    """Write the scores of each model on each row as a snapshot.

    :param scores: role (``champion``, ``challenger``) -> n scores, or n x k probabilities.
    :param source: the snapshot of the gate rows.
    :returns: the snapshot with ``row_key, cluster, target, score_<role>`` (``score_<role>_<i>`` for class number i),
        ``loss_<role>``, ``slice_<column>`` and ``group_<column>``.
    """
    import pandas as pd

    columns: dict[str, Any] = {KEY: rows.keys, CLUSTER: rows.clusters, TARGET: rows.target}
    for role, values in scores.items():
        if values.ndim == 1:
            columns[f"{SCORE}{role}"] = values
        else:
            columns |= {f"{SCORE}{role}_{i}": values[:, i] for i in range(values.shape[1])}
        columns[f"{LOSS}{role}"] = rows.losses(values)
    columns |= {f"{SLICE}{name}": values for name, values in rows.slices.items()}
    columns |= {f"{GROUP}{name}": values for name, values in rows.groups.items()}
    return root.write(dataset, pd.DataFrame(columns), partition=source.partition, source={"rows": source.id})


def score_columns(evidence: Snapshot, role: str) -> list[str]:
    """Return the score columns of a role, in class order in a multiclass task; empty when there are none."""
    if f"{SCORE}{role}" in evidence.schema:
        return [f"{SCORE}{role}"]
    numbered = [name for name in evidence.schema if name.removeprefix(f"{SCORE}{role}_").isdecimal()]
    return sorted(numbered, key=lambda name: int(name.rpartition("_")[2]))


def read_evidence(
    evidence: Snapshot, role: str, *, subject: str, seen_rows: int | None, facts: Mapping[str, float]
) -> Evidence | None:
    """Read the evidence of one model; ``None`` when the snapshot has no scores of that role."""
    columns = score_columns(evidence, role)
    if not columns:
        return None
    subgroups = [name for name in evidence.schema if name.startswith((SLICE, GROUP))]
    frame = evidence.to_pandas([KEY, CLUSTER, TARGET, *columns, *subgroups])
    return Evidence(
        subject=subject,
        snapshot=evidence.ref.id,
        keys=frame[KEY].to_numpy(),
        target=frame[TARGET].to_numpy(),
        scores=frame[columns[0]].to_numpy() if columns == [f"{SCORE}{role}"] else frame[columns].to_numpy(),
        seen_rows=seen_rows,
        clusters=frame[CLUSTER].to_numpy(),
        facts=facts,
        slices={n.removeprefix(SLICE): frame[n].to_numpy() for n in subgroups if n.startswith(SLICE)},
        groups={n.removeprefix(GROUP): frame[n].to_numpy() for n in subgroups if n.startswith(GROUP)},
    )


def count_seen_rows(rows: Snapshot, seen_snapshots: Sequence[Snapshot], key: str | Sequence[str]) -> int:
    """Count the gate rows whose key occurs in data that a model was trained or selected on.

    :param rows: the gate rows.
    :param seen_snapshots: the model's training and validation snapshots.
    :param key: the column or columns that the split used, so that the same customer in another week counts too.
    """
    columns = [key] if isinstance(key, str) else list(key)
    frame = rows.to_pandas(columns)
    keys, matches = _RowKeys(frame), np.zeros(len(frame), bool)
    for snapshot in seen_snapshots:
        for batch in snapshot.batches(columns):
            matches |= keys.isin(batch)
    return int(matches.sum())


class _RowKeys:
    """Keys of rows, for membership tests against other rows.

    :param frame: n rows of the columns that make the key.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._integers = _integer_keys(frame)

    @cached_property
    def _texts(self) -> list[str | None]:
        return _text_keys(self._frame)

    def isin(self, others: pd.DataFrame) -> Array:
        """Return for each of the n rows whether its key occurs in ``others``."""
        integers = _integer_keys(others)
        if self._integers is not None and integers is not None:
            return np.isin(self._integers, integers)
        common = set(self._texts).intersection(_text_keys(others))  # ten times faster than pandas' isin for text
        return np.fromiter((text in common for text in self._texts), bool, len(self._texts))


def _integer_keys(frame: pd.DataFrame) -> Array | None:
    """Return the keys of a single integer column without missing values; ``None`` for all other keys."""
    import pandas as pd

    column = frame.iloc[:, 0]
    integral = frame.shape[1] == 1 and pd.api.types.is_integer_dtype(column.dtype) and not column.isna().any()
    return column.to_numpy(dtype="int64") if integral else None


def _text_keys(frame: pd.DataFrame) -> list[str | None]:
    """Return the key of each row as text; all missing keys are equal."""
    first, *others = (format_keys(frame[column]) for column in frame.columns)
    for other in others:
        first = first.str.cat(other, sep="\x1f", na_rep="")
    texts = first.to_numpy(dtype=object)
    texts[first.isna().to_numpy()] = None  # NaN does not equal NaN in a set
    return list(texts)
