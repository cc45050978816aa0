"""Registered model versions and what travels with them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from airflow_mlops.core.errors import NotFound
from airflow_mlops.core.refs import ModelVersionRef
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version


def add(database: Database, version: Version) -> None:
    """Keep a version; adding the same one again (a retry) changes nothing but what is new about it."""
    with database.session() as session:
        session.merge(version)


def get(database: Database, model: str, version: int) -> Version:
    """Give a version.

    :raises NotFound: when it was not registered through this store.
    """
    with database.session() as session:
        found = session.get(Version, (model, version))
    if found is None:
        raise NotFound(
            f"{model} v{version} is not in the lifecycle store",
            where=database.address,
            mend="register it with RegisterModelOperator",
        )
    return found


def all_of(database: Database, model: str) -> list[Version]:
    """Give all versions of a model, oldest first."""
    with database.session() as session:
        return list(session.scalars(select(Version).where(Version.model == model).order_by(Version.version)))


def bind_gate(database: Database, model: str, version: int, *, report_id: str, decision: str) -> None:
    """Bind the newest gate report to a version.

    :raises NotFound: when there is no such version.
    """
    get(database, model, version)
    with database.session() as session:
        found = session.get_one(Version, (model, version))
        found.gate_report, found.gate_decision = report_id, decision


def ref(version: Version) -> ModelVersionRef:
    """Give the reference that travels between tasks."""
    return ModelVersionRef(version.model, version.version, version.digest, version.run_id, version.cutoff)


def as_dict(version: Version) -> dict[str, Any]:
    """Give a version's plain facts, without its baseline."""
    return {
        "model": version.model,
        "version": version.version,
        "digest": version.digest,
        "run_id": version.run_id,
        "candidate": version.candidate,
        "cutoff": version.cutoff,
        "data": version.data,
        "gate_report": version.gate_report,
        "gate_decision": version.gate_decision,
        "actor": version.actor,
        "recorded_at": version.recorded_at.isoformat(),
    }
