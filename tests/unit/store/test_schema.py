"""Migrations: they create what the models declare, leave a newer store alone, and new ones can be written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from airflow_mlops.common.errors import StoreNotReady
from airflow_mlops.store import schema
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Base


def differences(database: Database) -> list[Any]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
        return compare_metadata(context, Base.metadata)


def test_migrations_create_exactly_what_the_models_declare(unmigrated: Database) -> None:
    unmigrated.upgrade()
    assert differences(unmigrated) == []


def test_the_models_names_are_those_of_a_migrated_store(unmigrated: Database) -> None:
    unmigrated.upgrade()
    inspector = inspect(unmigrated.engine)
    for table in Base.metadata.sorted_tables:
        declared = {str(c.name) for c in table.constraints if c.name}
        existing = {c["name"] for c in inspector.get_unique_constraints(table.name)}
        existing |= {c["name"] for c in inspector.get_foreign_keys(table.name)}
        assert declared == existing | {inspector.get_pk_constraint(table.name)["name"]}


def test_a_store_of_a_later_release_is_reported_and_left_alone(unmigrated: Database) -> None:
    unmigrated.upgrade()
    with unmigrated.engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
    for step in (unmigrated.check, unmigrated.upgrade):
        with pytest.raises(StoreNotReady, match="schema 9999, newer than this code") as error:
            step()
        assert "install the release" in str(error.value)
    assert unmigrated.version() == "9999"


def test_a_store_one_revision_behind_names_the_command(unmigrated: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    unmigrated.upgrade()
    monkeypatch.setattr(schema, "revisions", lambda: ("0001", "0002"))
    with pytest.raises(StoreNotReady, match="has schema 0001, this code needs schema 0002") as error:
        unmigrated.check()
    assert error.value.hint == schema.HOW_TO_MIGRATE


def test_a_migration_that_fails_leaves_nothing_behind(unmigrated: Database) -> None:
    with unmigrated.engine.begin() as connection:  # somebody else's object with a name of ours
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


def test_a_new_migration_is_written_from_the_models(
    unmigrated: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unmigrated.upgrade()
    with unmigrated.engine.begin() as connection:  # as if tables.py had just got this column
        connection.execute(text("ALTER TABLE mlops_claims DROP COLUMN finished_at"))
    folder = Path(shutil.copytree(schema._FOLDER, tmp_path / "migrations"))
    monkeypatch.setattr(schema, "_FOLDER", folder)
    schema.revisions.cache_clear()
    try:
        with unmigrated.engine.begin() as connection:
            schema.write_migration(connection, "Add the end of a claim")
        assert schema.revisions() == ("0001", "0002")
        written = (folder / "versions" / "0002_add_the_end_of_a_claim.py").read_text()
        assert "sa.Column('finished_at', sa.String(32), nullable=True)" in written
        unmigrated.upgrade()
        assert differences(unmigrated) == []
    finally:
        schema.revisions.cache_clear()
