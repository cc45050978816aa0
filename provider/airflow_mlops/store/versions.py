"""Registered model versions with their data, baseline and contract."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version


def add(database: Database, version: Version) -> None:
    """Save a version; adding it again (a retry) updates its row."""
    with database.session() as session:
        session.merge(version)


def get(database: Database, model: str, version: int) -> Version:
    """Return a version.

    :raises NotFound: when it was not registered through this store.
    """
    with database.session() as session:
        row = session.get(Version, (model, version))
    if row is None:
        raise NotFound(
            f"{model} v{version} is not in the lifecycle store",
            where=database.address,
            hint="register it with RegisterModelOperator",
        )
    return row


def of_model(database: Database, model: str) -> list[Version]:
    """Return all versions of a model, oldest first."""
    with database.session() as session:
        return list(session.scalars(select(Version).where(Version.model == model).order_by(Version.version)))


def bind_gate(database: Database, model: str, version: int, *, report_id: str, decision: str) -> None:
    """Store a gate report and its decision as the newest of a version.

    :raises NotFound: when there is no such version.
    """
    get(database, model, version)
    with database.session() as session:
        row = session.get_one(Version, (model, version))
        row.gate_report, row.gate_decision = report_id, decision


def ref(version: Version) -> ModelVersionRef:
    """Return the reference that is passed between tasks."""
    return ModelVersionRef(version.model, version.version, version.digest, version.run_id, version.cutoff)


def to_dict(version: Version) -> dict[str, Any]:
    """Return a version as a JSON-serialisable dict, without its baseline."""
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
