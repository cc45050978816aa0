"""Publication of a score set in the store, the catalogue and, on request, a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.data.snapshots.staging import Staging
from airflow_mlops.core.scoring.job import ScoringJob, score_staged
from airflow_mlops.core.scoring.prediction_log import PredictionLog, PredictionLogEntry
from airflow_mlops.store import catalogue, score_sets
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import ScoreSet


def publish_scores(
    database: Database,
    root: SnapshotRoot,
    job: ScoringJob,
    load: Callable[[], Any],
    *,
    actor: str,
    log: PredictionLog | None = None,
) -> SnapshotRef:
    """Return the score set of a job, creating it if necessary; an interrupted call is resumed by the next one.

    :param load: returns the fitted model; not called when no batch is left to score.
    :param actor: the calling task.
    :param log: a table that also receives the scores.
    :raises BadInput: when the rows cannot be scored, or the table cannot store the scores.
    """
    staging = Staging(root, job.dataset, job.staging_id)
    score_set = score_sets.find(database, job.id)
    if score_set is None or _open_scores(root, score_set) is None:
        ref = score_staged(root, job, load, staging)
        replaced_id = None if score_set is None else score_set.snapshot_id
        score_set = score_sets.record(
            database, job.id, version=job.version, rows=job.rows.ref, scores=ref, actor=actor, replaces=replaced_id
        )
    ref = score_sets.ref_of(score_set)
    if log is not None:
        _write_to_log(database, root, job, score_set, log)
    if ref.partition is not None:
        catalogue.record(database, ref)
    staging.clear(ref)
    return ref


def _open_scores(root: SnapshotRoot, score_set: ScoreSet) -> Snapshot | None:
    """Open a score set; return None when its files have been deleted."""
    try:
        return root.open(score_sets.ref_of(score_set))
    except NotFound:
        return None


def _write_to_log(
    database: Database, root: SnapshotRoot, job: ScoringJob, score_set: ScoreSet, log: PredictionLog
) -> None:
    """Write the scores into the table, unless it already has them."""
    scores = root.open(score_sets.ref_of(score_set))
    partition = score_set.partition or score_set.input_snapshot_id
    by = PredictionLogEntry(score_set.model, score_set.version, partition, score_set.snapshot_id, score_set.scored_at)
    if log.count(by) != score_set.rows:
        log.load(scores.batches(), by, key=job.key, schema=scores.schema, store=database)
