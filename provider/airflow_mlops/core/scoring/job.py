"""Batch scoring of a snapshot with one pinned version, resumable after any interruption."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.data.snapshots.staging import StagedPart, Staging, delete_abandoned
from airflow_mlops.core.scoring.batches import BatchReader
from airflow_mlops.core.scoring.columns import check_key, score_rows

if TYPE_CHECKING:
    import pandas as pd

BATCH_ROWS = 250_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScoringJob:
    """All inputs that determine a score set.

    :param rows: the snapshot to score.
    :param version: the version that scores all rows.
    :param key: columns that identify a row, copied to the scores.
    :param features: the model's input columns.
    :param dataset: the dataset name of the scores.
    :param batch_rows: the number of rows that are read, scored and written at a time.
    """

    rows: Snapshot
    version: ModelVersionRef
    key: Sequence[str]
    features: Sequence[str]
    dataset: str
    batch_rows: int = BATCH_ROWS

    @property
    def id(self) -> str:
        """The id of the score set: the same for the same version, rows and columns."""
        ref, version = self.rows.ref, self.version
        columns = [list(self.key), list(self.features)]
        target = [self.dataset, version.model, version.version, version.digest]
        return _digest([*target, ref.dataset, ref.id, ref.partition, *columns])

    @property
    def staging_id(self) -> str:
        """The id of the staged parts; batch numbers are comparable only for the same files and batch size."""
        return _digest([self.id, list(self.rows.files), self.batch_rows])


def score(root: SnapshotRoot, job: ScoringJob, load: Callable[[], Any]) -> SnapshotRef:
    """Score a snapshot; return the snapshot of the scores, in the order of the rows.

    Completed batches of an earlier attempt are reused. The same rows and version always give the same score set: rows
    have no timestamp, only the manifest does.

    :param load: returns the fitted model; not called when no batch is left to score.
    :raises BadInput: when there are no rows, or a column is missing.
    """
    staging = Staging(root, job.dataset, job.staging_id)
    ref = score_staged(root, job, load, staging)
    staging.clear(ref)
    return ref


def score_staged(root: SnapshotRoot, job: ScoringJob, load: Callable[[], Any], staging: Staging) -> SnapshotRef:
    """Score a snapshot as :func:`score` does, without deleting the markers of its staged parts.

    :param staging: the location of the parts.
    """
    check_key(job.key)
    if deleted := delete_abandoned(root, job.dataset):
        log.info("deleted the parts of %s abandoned scoring jobs of %s", len(deleted), job.dataset)
    columns = list(dict.fromkeys([*job.key, *job.features]))
    with BatchReader(root, job.rows, columns, job.batch_rows) as batches:
        if not len(batches):
            raise BadInput("there are no rows to score", where=f"{job.rows.name} ({job.rows.ref.id})")
        parts = _score_parts(job, batches, load, staging)
    source = {"rows": job.rows.ref.id, "model": job.version.model, "version": job.version.version}
    return staging.commit(parts, partition=job.rows.ref.partition, source={**source, "digest": job.version.digest})


def _score_parts(job: ScoringJob, batches: BatchReader, load: Callable[[], Any], staging: Staging) -> list[StagedPart]:
    """Return the parts of all batches, scoring the missing ones.

    While one batch is scored, the next is read and the previous one written: at most three are in memory.
    """
    parts = {number: part for number in range(len(batches)) if (part := staging.load_part(number)) is not None}
    if parts:
        log.info("reusing %s of %s batches", len(parts), len(batches))
    remaining = [number for number in range(len(batches)) if number not in parts]
    if not remaining:
        return list(parts.values())
    model = load()
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        next_rows, pending = reader.submit(batches.read, remaining[0]), None
        for number, next_number in zip(remaining, [*remaining[1:], None], strict=True):
            rows = next_rows.result()
            if next_number is not None:
                next_rows = reader.submit(batches.read, next_number)
            frame = _score_batch(model, rows, job, number)
            if pending is not None:
                _collect(pending, parts)
            schema = next((part.schema for part in parts.values()), None)
            pending = number, writer.submit(staging.add, number, frame, schema)
        if pending is not None:
            _collect(pending, parts)
    return [parts[number] for number in range(len(batches))]


def _score_batch(model: Any, rows: pd.DataFrame, job: ScoringJob, number: int) -> pd.DataFrame:
    try:
        return score_rows(model, rows, job.version, key=job.key, features=job.features)
    except Exception as error:
        error.add_note(f"while scoring batch {number} of {job.rows.name} ({len(rows)} rows) with {job.version}")
        raise


def _collect(pending: tuple[int, Future[StagedPart]], parts: dict[int, StagedPart]) -> None:
    """Wait for a part to be written."""
    number, part = pending
    parts[number] = part.result()


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]
