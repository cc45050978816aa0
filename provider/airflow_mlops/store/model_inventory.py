"""Models to monitor and newest partitions of datasets, in two queries for any number of models."""

from __future__ import annotations

from sqlalchemy import func, select

from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import CatalogueEntry, LedgerEntry


def models_with_champion(database: Database) -> list[str]:
    """Return the models that have or had a champion, by name."""
    with database.session() as session:
        return list(session.scalars(select(LedgerEntry.model).distinct().order_by(LedgerEntry.model)))


def newest_partitions(database: Database, until: str | None = None) -> dict[str, str]:
    """Return dataset -> newest partition.

    :param until: the last partition to consider, inclusive; keys are compared as text.
    """
    query = select(CatalogueEntry.dataset, func.max(CatalogueEntry.partition).label("newest")).group_by(
        CatalogueEntry.dataset
    )
    if until is not None:
        query = query.where(CatalogueEntry.partition <= until)
    with database.session() as session:
        return {row.dataset: row.newest for row in session.execute(query)}
