"""Score sets: which scores a version gave to a snapshot, once and for all."""

from __future__ import annotations

from sqlalchemy import select

from airflow_mlops.core.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import ScoreSet


def find(database: Database, key: str) -> ScoreSet | None:
    """Give the score set of a key; None when there is none yet.

    :param key: stands for the version, the snapshot, its partition and the columns that were asked for.
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
    instead_of: str | None = None,
) -> ScoreSet:
    """Keep that a snapshot was scored; of two at once both get the score set of the first.

    :param rows: what was scored.
    :param scores: the snapshot with the scores.
    :param actor: the task that did it.
    :param instead_of: the id of the snapshot that was kept before, and whose files are gone.
    """

    def keep() -> ScoreSet:
        with database.session() as session:
            found = session.get(ScoreSet, key)
            if found is not None and found.snapshot_id != instead_of:
                return found
            if found is None:
                found = ScoreSet(key=key)
                session.add(found)
            found.model, found.version, found.partition = version.model, version.version, rows.partition
            found.rows_dataset, found.rows_id, found.rows = rows.dataset, rows.id, scores.rows
            found.dataset, found.snapshot_id, found.uri = scores.dataset, scores.id, scores.uri
            found.actor, found.scored_at = actor, now()
        return found

    return database.retried(keep)


def of_partition(database: Database, model: str, partition: str, version: int | None = None) -> list[ScoreSet]:
    """Give the score sets of a model's partition, oldest first: one for each version, and for each late change of rows.

    :param version: only those of this version.
    """
    query = select(ScoreSet).where(ScoreSet.model == model, ScoreSet.partition == partition)
    if version is not None:
        query = query.where(ScoreSet.version == version)
    with database.session() as session:
        return list(session.scalars(query.order_by(ScoreSet.scored_at)))


def ref_of(found: ScoreSet) -> SnapshotRef:
    """Give the reference of a set's snapshot."""
    return SnapshotRef(found.dataset, found.snapshot_id, found.uri, found.rows, found.partition)
