"""The data catalogue: current and earlier snapshots of each (dataset, partition)."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import CatalogueEntry


def record(database: Database, ref: SnapshotRef) -> bool:
    """Make a snapshot the current one of its (dataset, partition).

    :returns: whether anything changed: recording the current snapshot again changes nothing.
    :raises ValueError: when the reference has no partition.
    """
    if ref.partition is None:
        raise ValueError("a snapshot without a partition cannot be recorded in the catalogue")
    return database.retry_on_conflict(lambda: _record(database, ref, str(ref.partition)))


def _record(database: Database, ref: SnapshotRef, partition: str) -> bool:
    with database.session() as session:
        current = _current(session, ref.dataset, partition)
        if current is not None and current.snapshot_id == ref.id:
            return False
        session.add(
            CatalogueEntry(
                dataset=ref.dataset,
                partition=partition,
                sequence=1 if current is None else current.sequence + 1,
                snapshot_id=ref.id,
                uri=ref.uri,
                rows=ref.rows,
                recorded_at=now(),
            )
        )
    return True


def current(database: Database, dataset: str, partition: str) -> SnapshotRef:
    """Return the current snapshot of a partition.

    :raises NotFound: when there is none.
    """
    with database.session() as session:
        entry = _current(session, dataset, partition)
    if entry is None:
        raise NotFound(
            f"{dataset!r} has no snapshot for partition {partition}",
            where=database.address,
            hint="run (or backfill) the DAG that ingests it",
        )
    return _ref(entry)


def partitions(
    database: Database, dataset: str, first: str | None = None, last: str | None = None
) -> list[SnapshotRef]:
    """Return the current snapshots of a dataset, ordered by partition.

    :param first: the first partition, inclusive.
    :param last: the last partition, inclusive.
    """
    newest = (
        select(CatalogueEntry.partition, func.max(CatalogueEntry.sequence).label("sequence"))
        .where(CatalogueEntry.dataset == dataset)
        .group_by(CatalogueEntry.partition)
        .subquery()
    )
    query = (
        select(CatalogueEntry)
        .join(
            newest,
            (CatalogueEntry.partition == newest.c.partition) & (CatalogueEntry.sequence == newest.c.sequence),
        )
        .where(CatalogueEntry.dataset == dataset)
        .order_by(CatalogueEntry.partition)
    )
    if first is not None:
        query = query.where(CatalogueEntry.partition >= first)
    if last is not None:
        query = query.where(CatalogueEntry.partition <= last)
    with database.session() as session:
        return [_ref(entry) for entry in session.scalars(query)]


def _current(session: Session, dataset: str, partition: str) -> CatalogueEntry | None:
    return session.scalars(
        select(CatalogueEntry)
        .where(CatalogueEntry.dataset == dataset, CatalogueEntry.partition == partition)
        .order_by(CatalogueEntry.sequence.desc())
        .limit(1)
    ).first()


def _ref(entry: CatalogueEntry) -> SnapshotRef:
    return SnapshotRef(entry.dataset, entry.snapshot_id, entry.uri, entry.rows, entry.partition)
