"""The models that the store knows, with or without a version, and what tells their versions apart."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow_mlops.store import ledger, models, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version


def add(database: Database, model: str, number: int) -> None:
    version = Version(
        model=model,
        version=number,
        digest=f"digest {number}",
        run_id=f"run {number}",
        artifact_uri="file:///a",
        candidate="c",
        data={},
        baseline={},
        actor="a",
        recorded_at=datetime.now(UTC),
    )
    versions.add(database, version)


def test_a_model_is_known_by_its_versions_or_by_its_champions(each_database: Database) -> None:
    assert models.names(each_database) == []
    add(each_database, "b", 1)
    add(each_database, "b", 2)
    ledger.append(
        each_database,
        model="a",
        expected_revision=None,
        version=7,
        digest="d",
        gate_report=None,
        approver=None,
        reason="",
        actor="a",
    )
    assert models.names(each_database) == ["a", "b"]
    assert models.registered_versions(each_database, "b") == {1: ("digest 1", "run 1"), 2: ("digest 2", "run 2")}
    assert models.registered_versions(each_database, "a") == {}
