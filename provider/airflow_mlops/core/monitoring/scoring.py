"""Batch scoring with one pinned version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.core.training.artifact import predict

if TYPE_CHECKING:
    import pandas as pd

SCORE, VERSION = "score", "model_version"


def score(
    root: SnapshotRoot,
    dataset: str,
    rows: Snapshot,
    model: Any,
    version: ModelVersionRef,
    *,
    key: Sequence[str],
    features: Sequence[str],
) -> SnapshotRef:
    """Score a snapshot, file by file.

    The scores are a snapshot themselves, so the same rows scored by the same version are the same score set, however
    often and after whatever kill it is done.

    :param key: columns that are kept to name the row.
    :returns: the snapshot of ``key..., score, model_version``.
    """

    def batches() -> Iterator[pd.DataFrame]:
        for frame in rows.batches(list(dict.fromkeys([*key, *features]))):
            scored = frame[list(key)].copy()
            scored[SCORE] = predict(model, frame[list(features)])
            scored[VERSION] = version.version
            yield scored

    source = {"rows": rows.ref.id, "model": version.model, "version": version.version}
    return root.write(dataset, batches(), partition=rows.ref.partition, source=source)
