"""Names of models and identities of their versions."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select, union

from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry, Version


class VersionIdentity(NamedTuple):
    """Identity of a version's files.

    :param digest: the files' digest.
    :param run_id: the MLflow run that wrote them.
    """

    digest: str
    run_id: str


def names(database: Database) -> list[str]:
    """Return the models that have a version or had a champion."""
    query = union(select(Version.model), select(LedgerEntry.model)).order_by("model")
    with database.session() as session:
        return list(session.scalars(query))


def registered_versions(database: Database, model: str) -> dict[int, VersionIdentity]:
    """Return the registered versions of a model, by number."""
    query = select(Version.version, Version.digest, Version.run_id).where(Version.model == model)
    with database.session() as session:
        return {number: VersionIdentity(digest, run_id) for number, digest, run_id in session.execute(query)}
