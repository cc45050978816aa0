"""Evidence: both models' scores on the same unseen rows, kept as a snapshot so that a comparison is paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.evaluation.gate import Evidence
from airflow_mlops.core.evaluation.rows import GateRows
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.refs import SnapshotRef
from airflow_mlops.core.training.splits import key_text

if TYPE_CHECKING:
    import pandas as pd

KEY, CLUSTER, TARGET = "row_key", "cluster", "target"
SCORE, LOSS, SLICE, GROUP = "score_", "loss_", "slice_", "group_"


def keep(
    root: SnapshotRoot, dataset: str, rows: GateRows, scores: Mapping[str, Array], *, source: SnapshotRef
) -> SnapshotRef:
    """Keep what each model said of each row.

    :param scores: role (``champion``, ``challenger``) -> n scores, or n x k probabilities.
    :param source: the gate rows' own snapshot.
    :returns: the snapshot of ``row_key, cluster, target, score_<role>`` (``score_<role>_<i>`` for class number i),
        ``loss_<role>``, ``slice_<column>`` and ``group_<column>``.
    """
    import pandas as pd

    columns: dict[str, Any] = {KEY: rows.keys, CLUSTER: rows.clusters, TARGET: rows.target}
    for role, given in scores.items():
        if given.ndim == 1:
            columns[f"{SCORE}{role}"] = given
        else:
            columns |= {f"{SCORE}{role}_{i}": given[:, i] for i in range(given.shape[1])}
        columns[f"{LOSS}{role}"] = rows.losses(given)
    columns |= {f"{SLICE}{name}": values for name, values in rows.slices.items()}
    columns |= {f"{GROUP}{name}": values for name, values in rows.groups.items()}
    return root.write(dataset, pd.DataFrame(columns), partition=source.partition, source={"rows": source.id})


def score_columns(evidence: Snapshot, role: str) -> list[str]:
    """Name the columns with a role's scores, class by class in a multiclass task; none when it has none."""
    if f"{SCORE}{role}" in evidence.schema:
        return [f"{SCORE}{role}"]
    numbered = [name for name in evidence.schema if name.removeprefix(f"{SCORE}{role}_").isdecimal()]
    return sorted(numbered, key=lambda name: int(name.rpartition("_")[2]))


def read(
    evidence: Snapshot, role: str, *, subject: str, seen_rows: int | None, facts: Mapping[str, float]
) -> Evidence | None:
    """Read one model's evidence back; ``None`` when the snapshot has no scores of that role."""
    columns = score_columns(evidence, role)
    if not columns:
        return None
    parted = [name for name in evidence.schema if name.startswith((SLICE, GROUP))]
    frame = evidence.to_pandas([KEY, CLUSTER, TARGET, *columns, *parted])
    return Evidence(
        subject=subject,
        snapshot=evidence.ref.id,
        keys=frame[KEY].to_numpy(),
        target=frame[TARGET].to_numpy(),
        scores=frame[columns[0]].to_numpy() if columns == [f"{SCORE}{role}"] else frame[columns].to_numpy(),
        seen_rows=seen_rows,
        clusters=frame[CLUSTER].to_numpy(),
        facts=facts,
        slices={n.removeprefix(SLICE): frame[n].to_numpy() for n in parted if n.startswith(SLICE)},
        groups={n.removeprefix(GROUP): frame[n].to_numpy() for n in parted if n.startswith(GROUP)},
    )


def overlap(rows: Snapshot, seen: Sequence[Snapshot], key: str | Sequence[str]) -> int:
    """Count the rows whose key stands in data that a model has seen.

    :param rows: the gate rows.
    :param seen: the model's training and validation snapshots.
    :param key: the column that the split went by, so that a customer seen in another week counts too; or the columns.
    """
    columns = [key] if isinstance(key, str) else list(key)
    asked = rows.to_pandas(columns)
    known, found = _Keys(asked), np.zeros(len(asked), bool)
    for snapshot in seen:
        for batch in snapshot.batches(columns):
            found |= known.among(batch)
    return int(found.sum())


class _Keys:
    """Keys of gate rows, to be looked for among those of other rows.

    :param frame: n rows of the columns that make the key.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._numbers = _whole(frame)

    @cached_property
    def _texts(self) -> list[str | None]:
        return _texts_of(self._frame)

    def among(self, others: pd.DataFrame) -> Array:
        """Tell for each of the n rows whether its key stands in other rows."""
        numbers = _whole(others)
        if self._numbers is not None and numbers is not None:
            return np.isin(self._numbers, numbers)
        common = set(self._texts).intersection(_texts_of(others))  # pandas' isin takes ten times as long for text
        return np.fromiter((text in common for text in self._texts), bool, len(self._texts))


def _whole(frame: pd.DataFrame) -> Array | None:
    """Give a key of one column of whole numbers as they are: their texts are alike just when they are."""
    import pandas as pd

    only = frame.iloc[:, 0]
    plain = frame.shape[1] == 1 and pd.api.types.is_integer_dtype(only.dtype) and not only.isna().any()
    return only.to_numpy(dtype="int64") if plain else None


def _texts_of(frame: pd.DataFrame) -> list[str | None]:
    """Give the text of each row's key; rows that have none are alike."""
    first, *others = (key_text(frame[column]) for column in frame.columns)
    for other in others:
        first = first.str.cat(other, sep="\x1f", na_rep="")
    texts = first.to_numpy(dtype=object)
    texts[first.isna().to_numpy()] = None  # NaN is not NaN in a set
    return list(texts)
