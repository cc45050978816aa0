"""Score sets: the scores of one model version for one snapshot."""

from __future__ import annotations

from sqlalchemy import select

from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import ScoreSet


def find(database: Database, key: str) -> ScoreSet | None:
    """Return the score set of a key; ``None`` when there is none yet.

    :param key: derived from the version, the snapshot, its partition and the requested columns.
    """
    with database.session() as session:
        return session.get(ScoreSet, key)


def record(
    database: Database,
    key: str,
    *,
    version: ModelVersionRef,
    rows: SnapshotRef,
    scores: SnapshotRef,
    actor: str,
    replaces: str | None = None,
) -> ScoreSet:
    """Save a score set; of two concurrent callers both get the set of the first.

    :param rows: the snapshot that was scored.
    :param scores: the snapshot with the scores.
    :param actor: the task that scored it.
    :param replaces: the id of the stored snapshot to replace, because its files are gone.
    """

    def save() -> ScoreSet:
        with database.session() as session:
            row = session.get(ScoreSet, key)
            if row is not None and row.snapshot_id != replaces:
                return row
            if row is None:
                row = ScoreSet(key=key)
                session.add(row)
            row.model, row.version, row.partition = version.model, version.version, rows.partition
            row.input_dataset, row.input_snapshot_id, row.rows = rows.dataset, rows.id, scores.rows
            row.dataset, row.snapshot_id, row.uri = scores.dataset, scores.id, scores.uri
            row.actor, row.scored_at = actor, now()
        return row

    return database.retry_on_conflict(save)


def of_partition(database: Database, model: str, partition: str, version: int | None = None) -> list[ScoreSet]:
    """Return the score sets of a partition, oldest first: one for each version and each state of the rows.

    :param version: only those of this version.
    """
    query = select(ScoreSet).where(ScoreSet.model == model, ScoreSet.partition == partition)
    if version is not None:
        query = query.where(ScoreSet.version == version)
    with database.session() as session:
        return list(session.scalars(query.order_by(ScoreSet.scored_at)))


def ref_of(score_set: ScoreSet) -> SnapshotRef:
    """Return the reference of the snapshot with the scores."""
    return SnapshotRef(score_set.dataset, score_set.snapshot_id, score_set.uri, score_set.rows, score_set.partition)
