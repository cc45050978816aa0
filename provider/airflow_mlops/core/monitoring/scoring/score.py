"""Scoring a snapshot with one pinned version: batch by batch, over any number of kills."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.data.staging import Part, Staging, sweep
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.monitoring.scoring.batches import Batches
from airflow_mlops.core.monitoring.scoring.columns import check_key, scored
from airflow_mlops.core.refs import ModelVersionRef, SnapshotRef

if TYPE_CHECKING:
    import pandas as pd

BATCH_ROWS = 250_000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be scored by whom: everything that the scores depend on.

    :param rows: the snapshot.
    :param version: the one version that scores all of it.
    :param key: columns that are kept to name the row.
    :param features: the columns that the model gets.
    :param dataset: the name of the scores' dataset.
    :param batch_rows: how many rows are read, scored and written at a time.
    """

    rows: Snapshot
    version: ModelVersionRef
    key: Sequence[str]
    features: Sequence[str]
    dataset: str
    batch_rows: int = BATCH_ROWS

    @property
    def id(self) -> str:
        """What the score set is known by: the same for the same version, rows and columns."""
        ref, version = self.rows.ref, self.version
        columns = [list(self.key), list(self.features)]
        asked = [self.dataset, version.model, version.version, version.digest]
        return _digest([*asked, ref.dataset, ref.id, ref.partition, *columns])

    @property
    def staged(self) -> str:
        """What its parts are known by: batches of the same number have the same rows only when files are cut alike."""
        return _digest([self.id, list(self.rows.files), self.batch_rows])


def score(root: SnapshotRoot, job: Job, load: Callable[[], Any]) -> SnapshotRef:
    """Score a snapshot; gives the snapshot of the scores, in the order of the rows.

    What an earlier attempt has left whole is not scored again. The same rows scored by the same version are the same
    score set, however often and after whatever kill it is done: no time stands in a row, but in the manifest.

    :param load: gives the fitted model; not called where there is nothing left to score.
    :raises BadInput: when there are no rows, or a column is missing.
    """
    staging = Staging(root, job.dataset, job.staged)
    ref = staged(root, job, load, staging)
    staging.clear(ref)
    return ref


def staged(root: SnapshotRoot, job: Job, load: Callable[[], Any], staging: Staging) -> SnapshotRef:
    """Score a snapshot as :func:`score` does, and leave the marks of its parts.

    :param staging: where the parts are.
    """
    check_key(job.key)
    if gone := sweep(root, job.dataset):
        log.info("swept the parts of %s scorings of %s that nobody has continued", len(gone), job.dataset)
    columns = list(dict.fromkeys([*job.key, *job.features]))
    with Batches(root, job.rows, columns, job.batch_rows) as batches:
        if not len(batches):
            raise BadInput("there are no rows to score", where=f"{job.rows.name} ({job.rows.ref.id})")
        parts = _parts(job, batches, load, staging)
    source = {"rows": job.rows.ref.id, "model": job.version.model, "version": job.version.version}
    return staging.commit(parts, partition=job.rows.ref.partition, source={**source, "digest": job.version.digest})


def _parts(job: Job, batches: Batches, load: Callable[[], Any], staging: Staging) -> list[Part]:
    """Give the parts of all batches; those that are not there are made.

    While the model works on a batch, the next one is read and the one before is written: three are in memory at most.
    """
    found = {number: part for number in range(len(batches)) if (part := staging.part(number)) is not None}
    if found:
        log.info("%s of %s batches are there already", len(found), len(batches))
    left = [number for number in range(len(batches)) if number not in found]
    if not left:
        return list(found.values())
    model = load()
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        coming, written = reader.submit(batches.read, left[0]), None
        for number, following in zip(left, [*left[1:], None], strict=True):
            rows = coming.result()
            if following is not None:
                coming = reader.submit(batches.read, following)
            frame = _scored(model, rows, job, number)
            if written is not None:
                _take(written, found)
            schema = next((part.schema for part in found.values()), None)
            written = number, writer.submit(staging.add, number, frame, schema)
        if written is not None:
            _take(written, found)
    return [found[number] for number in range(len(batches))]


def _scored(model: Any, rows: pd.DataFrame, job: Job, number: int) -> pd.DataFrame:
    try:
        return scored(model, rows, job.version, key=job.key, features=job.features)
    except Exception as error:
        error.add_note(f"{job.version} was scoring batch {number} of {job.rows.name}, {len(rows)} rows")
        raise


def _take(written: tuple[int, Future[Part]], found: dict[int, Part]) -> None:
    """Wait until a part is written."""
    number, part = written
    found[number] = part.result()


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]
