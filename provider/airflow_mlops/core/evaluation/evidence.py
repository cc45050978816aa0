"""Evidence: both models' scores on the same unseen rows, kept as a snapshot so that a comparison is paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
    asked = _key_of(rows.to_pandas(columns))
    wanted = asked.unique()
    known: set[str] = set()
    for snapshot in seen:
        for batch in snapshot.batches(columns):
            keys = _key_of(batch)
            known.update(keys[keys.isin(wanted)].unique())
    return int(asked.isin(known).sum())


def _key_of(frame: pd.DataFrame) -> pd.Series[Any]:
    """Give the text of each row's key; rows that have none are alike."""
    first, *others = (key_text(frame[column]) for column in frame.columns)
    for other in others:
        first = first.str.cat(other, sep="\x1f", na_rep="")
    return first
