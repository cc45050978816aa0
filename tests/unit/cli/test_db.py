"""``airflow mlops db``: it makes the store, says what it has and where MLflow says otherwise, or what is wrong."""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.cli import db
from airflow_mlops.hooks.store import connection_value
from airflow_mlops.store import schema, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Base, Version


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A connection to a store that is not there yet."""
    url = f"sqlite:///{tmp_path}/mlops.db"
    value = json.dumps(connection_value(url, f"file://{tmp_path}/snapshots"))
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", value)
    return Database(url)


def run(command: Any, output: str = "table") -> None:
    command(Namespace(store_conn_id="mlops_store_default", mlflow_conn_id="mlflow_default", output=output))


def test_a_store_is_made_and_then_has_nothing_left_to_do(store: Database, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        run(db.upgrade)
        assert capsys.readouterr().out == f"lifecycle store: {store.address} has schema {schema.head()}\n"


def test_a_store_that_cannot_be_used_ends_with_what_is_wrong(store: Database) -> None:
    with pytest.raises(SystemExit, match="no tables yet(.|\n)*airflow mlops db upgrade"):
        run(db.status)


def test_the_status_without_an_mlflow_says_what_the_store_has(
    store: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    run(db.upgrade)
    capsys.readouterr()
    run(db.status)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [f"lifecycle store: {store.address}", f"schema: {schema.head()}", lines[2]]
    assert lines[2].startswith("snapshots: file:///")
    assert {line.split()[0] for line in lines if line.startswith("  ")} == set(Base.metadata.tables)
    assert lines[-1] == "mlflow: not compared: there is no connection mlflow_default"


def test_the_status_says_where_mlflow_says_otherwise(
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
    assert "mlflow: 1 models compared, 1 differ\nagreement of m: fail\n" in capsys.readouterr().out
    run(db.status, "json")
    told = json.loads(capsys.readouterr().out)
    assert told["rows"]["mlops_versions"] == 1
    assert [(r["kind"], r["verdict"]) for r in told["agreement"]] == [("agreement", "fail")]


def test_an_mlflow_that_does_not_answer_is_told_and_the_store_s_status_is_still_there(
    store: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = {"conn_type": "mlflow", "extra": {"tracking_uri": "http://127.0.0.1:1", "overall_seconds": 2}}
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW_DEFAULT", json.dumps(connection))
    store.upgrade()
    run(db.status)
    printed = capsys.readouterr().out
    assert f"schema: {schema.head()}" in printed
    assert "mlflow: not compared: " in printed
