"""``airflow mlops db``: migrations, status and consistency with MLflow."""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.cli import db
from airflow_mlops.hooks.store import connection_dict
from airflow_mlops.store import schema, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Base, Version


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A connection to a store that does not exist yet."""
    url = f"sqlite:///{tmp_path}/mlops.db"
    value = json.dumps(connection_dict(url, f"file://{tmp_path}/snapshots"))
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", value)
    return Database(url)


def run(command: Any, output: str = "table") -> None:
    command(Namespace(store_conn_id="mlops_store_default", mlflow_conn_id="mlflow_default", output=output))


def test_the_upgrade_is_idempotent(store: Database, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        run(db.upgrade)
        assert capsys.readouterr().out == f"lifecycle store: {store.address} has schema {schema.head()}\n"


def test_an_unusable_store_exits_with_the_error(store: Database) -> None:
    with pytest.raises(SystemExit, match="no tables yet(.|\n)*airflow mlops db upgrade"):
        run(db.status)


def test_the_status_without_mlflow_has_the_store_s_rows(store: Database, capsys: pytest.CaptureFixture[str]) -> None:
    run(db.upgrade)
    capsys.readouterr()
    run(db.status)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [f"lifecycle store: {store.address}", f"schema: {schema.head()}", lines[2]]
    assert lines[2].startswith("snapshots: file:///")
    assert {line.split()[0] for line in lines if line.startswith("  ")} == set(Base.metadata.tables)
    assert lines[-1] == "mlflow: not compared: connection mlflow_default does not exist"


def test_the_status_has_the_inconsistencies_with_mlflow(
    store: Database, mlflow_client: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = {"conn_type": "mlflow", "extra": {"tracking_uri": mlflow_client.tracking_uri}}
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", json.dumps(connection))
    store.upgrade()
    lost = Version(
        model="m",
        version=1,
        digest="d",
        run_id="r",
        artifact_uri="file:///a",
        candidate="c",
        data={},
        baseline={},
        actor="a",
        recorded_at=datetime.now(UTC),
    )
    versions.add(store, lost)
    run(db.status)
    assert "mlflow: 1 models compared, 1 differ\nconsistency of m: fail\n" in capsys.readouterr().out
    run(db.status, "json")
    status = json.loads(capsys.readouterr().out)
    assert status["rows"]["mlops_versions"] == 1
    assert [(r["kind"], r["verdict"]) for r in status["consistency"]] == [("consistency", "fail")]


def test_an_unreachable_mlflow_does_not_hide_the_store_s_status(
    store: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = {"conn_type": "mlflow", "extra": {"tracking_uri": "http://127.0.0.1:1", "overall_seconds": 2}}
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", json.dumps(connection))
    store.upgrade()
    run(db.status)
    printed = capsys.readouterr().out
    assert f"schema: {schema.head()}" in printed
    assert "mlflow: not compared: " in printed
