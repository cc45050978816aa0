"""A score set, made once and published: in the store, in a table where asked, in the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.data.staging import Staging
from airflow_mlops.core.errors import NotFound
from airflow_mlops.core.monitoring.scoring.score import Job, staged
from airflow_mlops.core.refs import SnapshotRef
from airflow_mlops.store import catalogue, score_sets
from airflow_mlops.store.database import Database
from airflow_mlops.store.predictions import PredictionLog, ScoredBy
from airflow_mlops.store.tables import ScoreSet


def publish(
    database: Database,
    root: SnapshotRoot,
    job: Job,
    load: Callable[[], Any],
    *,
    actor: str,
    log: PredictionLog | None = None,
) -> SnapshotRef:
    """Give the score set of a job: the one that is there, or a new one. Wherever it is killed, the next call goes on.

    :param load: gives the fitted model; not called where there is nothing left to score.
    :param actor: the task that does it.
    :param log: a table that gets the scores, too.
    :raises BadInput: when the rows cannot be scored, or the table cannot have the scores.
    """
    staging = Staging(root, job.dataset, job.staged)
    known = score_sets.find(database, job.id)
    if known is None or _opened(root, known) is None:
        ref = staged(root, job, load, staging)
        gone = None if known is None else known.snapshot_id
        known = score_sets.record(
            database, job.id, version=job.version, rows=job.rows.ref, scores=ref, actor=actor, instead_of=gone
        )
    ref = score_sets.ref_of(known)
    if log is not None:
        _log(database, root, job, known, log)
    if ref.partition is not None:
        catalogue.record(database, ref)
    staging.clear(ref)
    return ref


def _opened(root: SnapshotRoot, known: ScoreSet) -> Snapshot | None:
    """Open a score set; None when its files are gone."""
    try:
        return root.open(score_sets.ref_of(known))
    except NotFound:
        return None


def _log(database: Database, root: SnapshotRoot, job: Job, known: ScoreSet, log: PredictionLog) -> None:
    """Write the scores into the table, unless they are there."""
    scores = root.open(score_sets.ref_of(known))
    partition = known.partition or known.rows_id
    by = ScoredBy(known.model, known.version, partition, known.snapshot_id, known.scored_at)
    if log.count(by) != known.rows:
        log.load(scores.batches(), by, key=job.key, schema=scores.schema, beside=database)
