"""Evidence: both models' scores on the same unseen rows, kept as a snapshot so that a comparison is paired."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.evaluation.gate import Evidence
from airflow_mlops.core.metrics import of_task
from airflow_mlops.core.refs import SnapshotRef
from airflow_mlops.core.training.artifact import predict
from airflow_mlops.core.training.split import key_text

if TYPE_CHECKING:
    import pandas as pd

KEY, CLUSTER, TARGET = "row_key", "cluster", "target"


def score_rows(
    root: SnapshotRoot,
    dataset: str,
    rows: Snapshot,
    models: Mapping[str, Any],
    *,
    key: Sequence[str],
    cluster: str,
    target: str,
    features: Sequence[str],
) -> tuple[SnapshotRef, dict[str, dict[str, float]]]:
    """Score the gate rows with each model.

    :param models: role (``champion``, ``challenger``) -> fitted model.
    :param key: the columns that name a row.
    :param cluster: the column whose equal values belong together.
    :returns: the snapshot of ``row_key, cluster, target, score_<role>...``, and for each role the measured facts
        (``predict_ms_per_1000``: milliseconds for a thousand rows in one batch).
    """
    import pandas as pd

    columns = list(dict.fromkeys([*key, cluster, target, *features]))
    frame = rows.to_pandas(columns)
    parts = {
        KEY: row_keys(frame, key),
        CLUSTER: frame[cluster].astype(str),
        TARGET: frame[target].astype("float64"),
    }
    facts = {}
    for role, model in models.items():
        started = time.perf_counter()
        parts[f"score_{role}"] = pd.Series(predict(model, frame[list(features)]), index=frame.index, dtype="float64")
        elapsed = time.perf_counter() - started
        facts[role] = {"predict_ms_per_1000": 1e6 * elapsed / max(1, len(frame))}
    ref = root.write(dataset, pd.DataFrame(parts), partition=rows.ref.partition, source={"rows": rows.ref.id})
    return ref, facts


def row_keys(frame: pd.DataFrame, key: Sequence[str]) -> pd.Series[str]:
    """Give the text by which the evidence names each row."""
    return frame[list(key)].astype(str).agg("|".join, axis=1)


def read(
    evidence: Snapshot, role: str, *, subject: str, seen_rows: int | None, facts: Mapping[str, float]
) -> Evidence | None:
    """Read one model's evidence back; ``None`` when the snapshot has no scores of that role."""
    column = f"score_{role}"
    if column not in evidence.schema:
        return None
    frame = evidence.to_pandas([KEY, CLUSTER, TARGET, column])
    return Evidence(
        subject=subject,
        snapshot=evidence.ref.id,
        keys=frame[KEY].to_numpy(),
        target=frame[TARGET].to_numpy(),
        scores=frame[column].to_numpy(),
        seen_rows=seen_rows,
        clusters=frame[CLUSTER].to_numpy(),
        facts=facts,
    )


def overlap(rows: Snapshot, seen: Sequence[Snapshot], key: str) -> int:
    """Count the rows whose key stands in data that a model has seen.

    :param rows: the gate rows.
    :param seen: the model's training and validation snapshots.
    :param key: the column that the split went by, so that a customer seen in another week counts too.
    """
    known: set[str] = set()
    for snapshot in seen:
        for batch in snapshot.batches([key]):
            known.update(key_text(batch[key]).unique())
    return int(key_text(rows.to_pandas([key])[key]).isin(known).sum())


def metrics_of(evidence: Evidence, metric: str) -> dict[str, float]:
    """Give all metrics of the task."""
    return {name: m.value(evidence.target, evidence.scores) for name, m in of_task(metric).items()}
