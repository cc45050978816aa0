"""Migrations: they make what the models say, take an earlier release's store over, and leave a newer one alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from airflow_mlops.core.errors import StoreNotReady
from airflow_mlops.core.report import Check, Report
from airflow_mlops.store import baselines, ledger, reports, schema
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Base

# The last layout before Alembic, as its release made it.
EARLIER_LAYOUT = """
CREATE TABLE mlops_baselines (model VARCHAR(100) NOT NULL, version INTEGER NOT NULL, kind VARCHAR(40) NOT NULL,
  body JSON NOT NULL, recorded_at VARCHAR(32) NOT NULL, PRIMARY KEY (model, version, kind));
CREATE TABLE mlops_catalogue ({id}, dataset VARCHAR(100) NOT NULL, partition VARCHAR(250) NOT NULL,
  sequence INTEGER NOT NULL, snapshot_id VARCHAR(64) NOT NULL, uri VARCHAR(2000) NOT NULL, rows INTEGER NOT NULL,
  recorded_at VARCHAR(32) NOT NULL, PRIMARY KEY (id), UNIQUE (dataset, partition, sequence));
CREATE TABLE mlops_claims ({id}, kind VARCHAR(40) NOT NULL, key VARCHAR(1200) NOT NULL, value JSON,
  claimed_at VARCHAR(32) NOT NULL, finished_at VARCHAR(32), PRIMARY KEY (id), UNIQUE (kind, key));
CREATE TABLE mlops_episodes ({id}, model VARCHAR(100) NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL,
  state VARCHAR(20) NOT NULL, change_partition VARCHAR(250) NOT NULL, opened_report VARCHAR(32),
  opened_at VARCHAR(32) NOT NULL, attempts INTEGER NOT NULL, requested_partition VARCHAR(250), cutoff VARCHAR(250),
  claimed_by VARCHAR(1000), outcome VARCHAR(200), closed_at VARCHAR(32), PRIMARY KEY (id), UNIQUE (model, number));
CREATE UNIQUE INDEX mlops_one_open_episode ON mlops_episodes (model) WHERE closed_at IS NULL;
CREATE TABLE mlops_reports (id VARCHAR(32) NOT NULL, kind VARCHAR(40) NOT NULL, subject VARCHAR(500) NOT NULL,
  verdict VARCHAR(20) NOT NULL, decision VARCHAR(20), body JSON NOT NULL, actor VARCHAR(1000) NOT NULL,
  recorded_at VARCHAR(32) NOT NULL, PRIMARY KEY (id));
CREATE INDEX ix_mlops_reports_kind ON mlops_reports (kind);
CREATE TABLE mlops_schema_version ({version}, migrated_at VARCHAR(32) NOT NULL, PRIMARY KEY (version));
CREATE TABLE mlops_versions (model VARCHAR(100) NOT NULL, version INTEGER NOT NULL, digest VARCHAR(64) NOT NULL,
  run_id VARCHAR(64) NOT NULL, artifact_uri VARCHAR(2000) NOT NULL, cutoff VARCHAR(250),
  candidate VARCHAR(100) NOT NULL, data JSON NOT NULL, baseline JSON NOT NULL, contract JSON,
  gate_report VARCHAR(32), gate_decision VARCHAR(20), actor VARCHAR(1000) NOT NULL, recorded_at VARCHAR(32) NOT NULL,
  PRIMARY KEY (model, version));
CREATE TABLE mlops_windows ({id}, model VARCHAR(100) NOT NULL, version INTEGER NOT NULL, kind VARCHAR(40) NOT NULL,
  partition VARCHAR(250) NOT NULL, verdict VARCHAR(20) NOT NULL, value {double}, rows INTEGER NOT NULL,
  report VARCHAR(32), recorded_at VARCHAR(32) NOT NULL, PRIMARY KEY (id),
  UNIQUE (model, version, kind, partition));
CREATE TABLE mlops_ledger (model VARCHAR(100) NOT NULL, epoch INTEGER NOT NULL, previous_epoch INTEGER,
  version INTEGER NOT NULL, digest VARCHAR(64) NOT NULL, gate_report VARCHAR(32), approver VARCHAR(250),
  reason VARCHAR(1000) NOT NULL, actor VARCHAR(1000) NOT NULL, recorded_at VARCHAR(32) NOT NULL,
  effective_at VARCHAR(32) NOT NULL, PRIMARY KEY (model, epoch),
  FOREIGN KEY(gate_report) REFERENCES mlops_reports (id));
CREATE INDEX ix_mlops_ledger_effective_at ON mlops_ledger (effective_at);
"""
MOMENT = "2026-04-06T00:00:00.000000+00:00"


def differences(database: Database) -> list[Any]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
        return compare_metadata(context, Base.metadata)


def only_unnamed(database: Database, difference: Any) -> bool:
    """Tell whether a constraint is there but has no name: so SQLite kept those of the earlier releases."""
    if database.url.get_backend_name() != "sqlite" or difference[0] != "add_constraint":
        return False
    columns = [c.name for c in difference[1].columns]
    uniques = inspect(database.engine).get_unique_constraints(difference[1].table.name)
    return {"name": None, "column_names": columns} in uniques


def make_earlier(database: Database, *, version: int) -> Report:
    """Make a store as an earlier release did, with a champion and its gate report; gives the report."""
    postgres = database.url.get_backend_name() == "postgresql"
    words = {
        "id": "id SERIAL NOT NULL" if postgres else "id INTEGER NOT NULL",
        "version": "version SERIAL NOT NULL" if postgres else "version INTEGER NOT NULL",
        "double": "DOUBLE PRECISION" if postgres else "DOUBLE",
    }
    report = Report.of("gate", "m v1", [Check("gain", "pass")], decision="promote")
    with database.engine.begin() as connection:
        for statement in EARLIER_LAYOUT.format(**words).split(";")[:-1]:
            if version > 1 or "mlops_baselines" not in statement:
                connection.execute(text(statement))
        connection.execute(
            text("INSERT INTO mlops_schema_version VALUES (:version, :moment)"), {"version": version, "moment": MOMENT}
        )
        connection.execute(
            text("INSERT INTO mlops_reports VALUES (:id, 'gate', 'm v1', 'pass', 'promote', :body, 'a', :moment)"),
            {"id": report.id, "body": report.to_json(), "moment": MOMENT},
        )
        connection.execute(
            text("INSERT INTO mlops_ledger VALUES ('m', 1, NULL, 1, 'd', :id, NULL, 'why', 'a', :moment, :moment)"),
            {"id": report.id, "moment": MOMENT},
        )
    return report


def test_migrations_make_exactly_what_the_models_say(unmigrated: Database) -> None:
    unmigrated.upgrade()
    assert differences(unmigrated) == []


def test_the_models_names_are_those_of_a_migrated_store(unmigrated: Database) -> None:
    unmigrated.upgrade()
    there = inspect(unmigrated.engine)
    for table in Base.metadata.sorted_tables:
        named = {str(c.name) for c in table.constraints if c.name}
        found = {c["name"] for c in there.get_unique_constraints(table.name)}
        found |= {c["name"] for c in there.get_foreign_keys(table.name)} | {there.get_pk_constraint(table.name)["name"]}
        assert named == found


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_an_earlier_release_is_taken_over_with_all_it_has(unmigrated: Database, version: int) -> None:
    report = make_earlier(unmigrated, version=version)
    with pytest.raises(StoreNotReady, match="tables of an earlier release, this code needs schema 0"):
        unmigrated.check()
    unmigrated.upgrade()
    unmigrated.check()
    assert [d for d in differences(unmigrated) if not only_unnamed(unmigrated, d)] == []
    champion = ledger.head(unmigrated, "m")
    assert champion is not None
    assert (champion.epoch, champion.reason, champion.gate_report) == (1, "why", report.id)
    assert reports.get(unmigrated, report.id) == report
    baselines.keep(unmigrated, "m", 1, "scores", {"a": 1})
    reports.publish(unmigrated, Report.of("drift", "s", []), actor="a")


def test_of_many_that_take_a_store_over_at_once_all_end_well(unmigrated: Database) -> None:
    make_earlier(unmigrated, version=2)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: Database(unmigrated.url).upgrade(), range(6)))
    unmigrated.check()
    assert ledger.head(unmigrated, "m") is not None


def test_a_store_of_a_later_release_is_told_and_left_alone(unmigrated: Database) -> None:
    unmigrated.upgrade()
    with unmigrated.engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
    for step in (unmigrated.check, unmigrated.upgrade):
        with pytest.raises(StoreNotReady, match="schema 9999, newer than this code") as told:
            step()
        assert "install the release" in str(told.value)
    assert unmigrated.version() == "9999"


def test_a_store_one_revision_behind_says_how_to_migrate(unmigrated: Database) -> None:
    unmigrated.upgrade()
    with unmigrated.engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0001'"))
    with pytest.raises(StoreNotReady, match=f"has schema 0001, this code needs schema {schema.head()}") as told:
        unmigrated.check()
    assert told.value.mend == schema.HOW_TO_MIGRATE


def test_a_migration_that_fails_leaves_nothing_behind(unmigrated: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with unmigrated.engine.begin() as connection:  # somebody else's table where ours shall be
        connection.execute(text("CREATE VIEW mlops_attempts AS SELECT 1 AS one"))
    with pytest.raises(Exception, match="mlops_attempts"):
        unmigrated.upgrade()
    assert inspect(unmigrated.engine).get_table_names() == []


def test_the_files_names_are_the_chain_that_alembic_sees() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema._FOLDER))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [schema.head()]
    assert [s.revision for s in scripts.walk_revisions()][::-1] == list(schema.revisions())
