"""A table or a query in a database is found, described and read, and never written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from airflow_mlops.core.data import database
from airflow_mlops.core.data.database import DatabaseTable
from airflow_mlops.core.errors import BadInput

Stored = Callable[[pl.DataFrame], DatabaseTable]
EVENTS = pl.DataFrame({"id": [1, 2, 3], "x": [0.5, None, 1.5], "name": ["a", "b", None], "flag": [True, False, None]})


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_table_tells_its_rows_and_the_types_that_a_file_would_have(stored: Stored) -> None:
    table = stored(EVENTS)
    assert table.rows == 3
    assert table.schema == EVENTS.schema
    query = DatabaseTable(table.engine, f"select x, name from {table.source} where id > 1;")
    assert query.rows == 2
    assert query.schema == {"x": pl.Float64(), "name": pl.String()}


def test_a_view_is_a_table(stored: Stored, engine: sa.Engine) -> None:
    table = stored(EVENTS)
    run(engine, f"CREATE VIEW seen{table.source} AS SELECT id, flag FROM {table.source}")
    assert DatabaseTable(engine, f"seen{table.source}").schema == {"id": pl.Int64(), "flag": pl.Boolean()}


def test_columns_without_a_declared_type_get_that_of_their_values(stored: Stored, engine: sa.Engine) -> None:
    query = f"SELECT id + 1 AS whole, x * 2 AS number, name || '!' AS text FROM {stored(EVENTS).source}"
    assert DatabaseTable(engine, query).schema == {"whole": pl.Int64(), "number": pl.Float64(), "text": pl.String()}


@pytest.mark.parametrize(
    "condition",
    [
        "name <> ':x'",
        "name <> '100%'",
        "name <> 'a;b' -- one; comment",
        "name /* ; */ <> 'b'",
        "name LIKE '%a\\:%' OR 1=1",
    ],
)
def test_what_people_write_in_a_query_reaches_the_database_as_it_is(stored: Stored, condition: str) -> None:
    table = stored(EVENTS)
    with table.engine.connect() as connection:
        raw = connection.execution_options(no_parameters=True)
        expected = raw.exec_driver_sql(f"SELECT count(*) FROM {table.source} WHERE {condition}").scalar()
    assert DatabaseTable(table.engine, f"SELECT * FROM {table.source} WHERE {condition}").rows == expected


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("SELECT 1; DROP TABLE x", "several statements"),
        ("WITH a AS (SELECT 1) SELECT * FROM a; SELECT 2", "several statements"),
        ("DELETE FROM x", "no SELECT"),
        ("/* harmless */ insert into x values (1)", "no SELECT"),
        ("  ", "empty"),
    ],
)
def test_a_source_that_is_not_one_select_is_refused(engine: sa.Engine, source: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        DatabaseTable(engine, source)


def test_a_table_that_is_not_there_is_told_with_near_names(stored: Stored, engine: sa.Engine) -> None:
    table = stored(EVENTS)
    with pytest.raises(BadInput, match="there is no such table") as told:
        _ = DatabaseTable(engine, f"{table.source}s").schema
    assert table.source in str(told.value.mend)


def test_a_name_with_a_dot_or_a_blank_is_found(engine: sa.Engine) -> None:
    run(engine, 'CREATE TABLE "my.odd : table" (a INTEGER)')
    assert DatabaseTable(engine, "my.odd : table").schema["a"].is_integer()


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_a_table_of_another_schema_is_found(engine: sa.Engine) -> None:
    run(engine, "CREATE SCHEMA IF NOT EXISTS other", "CREATE TABLE IF NOT EXISTS other.events (a numeric(8, 2))")
    assert DatabaseTable(engine, "other.events").schema["a"].is_decimal()
    with pytest.raises(BadInput, match="there is no such table") as told:
        _ = DatabaseTable(engine, "other.event").rows
    assert "other.events" in str(told.value.mend)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_types_made_by_people_are_told_by_what_they_are_made_of(engine: sa.Engine) -> None:
    run(engine, "DROP DOMAIN IF EXISTS share", "DROP TYPE IF EXISTS mood")
    run(engine, "CREATE DOMAIN share AS double precision", "CREATE TYPE mood AS ENUM ('sad', 'ok')")
    query = "SELECT CAST(1 AS share) AS a, CAST('ok' AS mood) AS b, ARRAY[1] AS c, CAST('{}' AS jsonb) AS d"
    types = {"a": pl.Float64(), "b": pl.String(), "c": pl.Binary(), "d": pl.Binary()}
    assert DatabaseTable(engine, query).schema == types


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_column_names_that_occur_twice_are_told(engine: sa.Engine) -> None:
    with pytest.raises(BadInput, match=r"column names occur twice: \['a'\]"):
        _ = DatabaseTable(engine, "SELECT 1 AS a, 2 AS a").schema


def test_a_statement_that_fails_is_told_with_its_reason(engine: sa.Engine) -> None:
    with pytest.raises(BadInput, match="the database says: .*nowhere"):
        _ = DatabaseTable(engine, "SELECT * FROM nowhere").rows


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.parametrize("change", ["nextval('numbers')", "set_config('jit', 'on', false) FROM nextval('numbers')"])
def test_a_select_that_would_write_is_stopped_by_the_database(engine: sa.Engine, change: str) -> None:
    run(engine, "CREATE SEQUENCE IF NOT EXISTS numbers")
    with pytest.raises(BadInput, match="read-only"):
        _ = DatabaseTable(engine, f"SELECT {change}").rows


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_reading_cannot_write_and_leaves_nothing_behind(stored: Stored, engine: sa.Engine) -> None:
    table = stored(EVENTS)
    with table.reading() as reader, pytest.raises(sa.exc.OperationalError, match="readonly"):
        reader.connection.exec_driver_sql("CREATE TABLE t (a)")
    assert table.schema == EVENTS.schema
    assert sa.inspect(engine).get_table_names() == [table.source]
    assert sa.inspect(engine).get_temp_table_names() == []


def test_an_engine_that_keeps_its_connection_can_write_afterwards() -> None:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    run(engine, "CREATE TABLE t (a INTEGER)")
    table = DatabaseTable(engine, "t")
    assert table.rows == 0
    assert table.schema == {"a": pl.Int64()}
    run(engine, "INSERT INTO t VALUES (1)")
    assert DatabaseTable(engine, "t").rows == 1


def test_all_queries_of_one_reading_see_one_state(stored: Stored, engine: sa.Engine) -> None:
    table = stored(EVENTS)
    with table.reading() as reader:
        before = reader.count()
        if engine.dialect.name == "postgresql":  # a reader keeps SQLite's writers waiting
            run(engine, f"DELETE FROM {table.source}")
        assert reader.count() == before == 3


def test_a_database_file_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such database file"):
        _ = DatabaseTable(f"sqlite:///{tmp_path}/none.db", "t").rows
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_be_reached_is_told_without_the_password() -> None:
    pytest.importorskip("psycopg2")
    with pytest.raises(BadInput) as told:
        _ = DatabaseTable("postgresql+psycopg2://me:secret@127.0.0.1:1/x", "t").rows
    assert "secret" not in str(told.value)
    assert told.value.mend == "check the URL, the login and the server"


def test_a_url_that_is_none_is_told() -> None:
    with pytest.raises(BadInput, match="URL cannot be used"):
        DatabaseTable("not a url", "t")


def test_another_database_is_refused_with_what_works(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: Any = {name: kind for name, kind in database.DIALECTS.items() if name != engine.dialect.name}
    monkeypatch.setattr(database, "DIALECTS", kinds)
    with pytest.raises(BadInput, match=f"a database of the kind {engine.dialect.name}") as told:
        DatabaseTable(engine, "t")
    assert "PostgreSQL and SQLite work" in str(told.value.mend)
