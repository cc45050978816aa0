"""A table or query in a database is located, described and read, but never written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data import database
from airflow_mlops.core.data.database import DatabaseTable

Stored = Callable[[pl.DataFrame], DatabaseTable]
EVENTS = pl.DataFrame({"id": [1, 2, 3], "x": [0.5, None, 1.5], "name": ["a", "b", None], "flag": [True, False, None]})


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_table_has_its_row_count_and_the_types_of_a_file(stored: Stored) -> None:
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
    (("source", "message")),
    [
        ("SELECT 1; DROP TABLE x", "several statements"),
        ("WITH a AS (SELECT 1) SELECT * FROM a; SELECT 2", "several statements"),
        ("DELETE FROM x", "not a SELECT statement"),
        ("/* harmless */ insert into x values (1)", "not a SELECT statement"),
        ("  ", "empty"),
    ],
)
def test_a_source_that_is_not_one_select_is_refused(engine: sa.Engine, source: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        DatabaseTable(engine, source)


def test_a_missing_table_is_reported_with_similar_names(stored: Stored, engine: sa.Engine) -> None:
    table = stored(EVENTS)
    with pytest.raises(BadInput, match="there is no such table") as caught:
        _ = DatabaseTable(engine, f"{table.source}s").schema
    assert table.source in str(caught.value.hint)


def test_a_name_with_a_dot_or_a_blank_is_found(engine: sa.Engine) -> None:
    run(engine, 'CREATE TABLE "my.odd : table" (a INTEGER)')
    assert DatabaseTable(engine, "my.odd : table").schema["a"].is_integer()


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_a_table_of_another_schema_is_found(engine: sa.Engine) -> None:
    run(engine, "CREATE SCHEMA IF NOT EXISTS other", "CREATE TABLE IF NOT EXISTS other.events (a numeric(8, 2))")
    assert DatabaseTable(engine, "other.events").schema["a"].is_decimal()
    with pytest.raises(BadInput, match="there is no such table") as caught:
        _ = DatabaseTable(engine, "other.event").rows
    assert "other.events" in str(caught.value.hint)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_user_defined_types_resolve_to_their_base_types(engine: sa.Engine) -> None:
    run(engine, "DROP DOMAIN IF EXISTS share", "DROP TYPE IF EXISTS mood")
    run(engine, "CREATE DOMAIN share AS double precision", "CREATE TYPE mood AS ENUM ('sad', 'ok')")
    query = "SELECT CAST(1 AS share) AS a, CAST('ok' AS mood) AS b, ARRAY[1] AS c, CAST('{}' AS jsonb) AS d"
    types = {"a": pl.Float64(), "b": pl.String(), "c": pl.Binary(), "d": pl.Binary()}
    assert DatabaseTable(engine, query).schema == types


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_duplicate_column_names_are_reported(engine: sa.Engine) -> None:
    with pytest.raises(BadInput, match=r"column names occur twice: \['a'\]"):
        _ = DatabaseTable(engine, "SELECT 1 AS a, 2 AS a").schema


def test_a_failing_statement_is_reported_with_its_reason(engine: sa.Engine) -> None:
    with pytest.raises(BadInput, match="database error: .*nowhere"):
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
    with table.open_reader() as reader, pytest.raises(sa.exc.OperationalError, match="readonly"):
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
    with table.open_reader() as reader:
        before = reader.count()
        if engine.dialect.name == "postgresql":  # a reader keeps SQLite's writers waiting
            run(engine, f"DELETE FROM {table.source}")
        assert reader.count() == before == 3


def test_a_missing_database_file_is_reported_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the database file does not exist"):
        _ = DatabaseTable(f"sqlite:///{tmp_path}/none.db", "t").rows
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_server_is_reported_without_the_password() -> None:
    pytest.importorskip("psycopg2")
    with pytest.raises(BadInput) as caught:
        _ = DatabaseTable("postgresql+psycopg2://me:secret@127.0.0.1:1/x", "t").rows
    assert "secret" not in str(caught.value)
    assert caught.value.hint == "check the URL, the login and the server"


def test_an_invalid_url_is_reported() -> None:
    with pytest.raises(BadInput, match="URL is not valid"):
        DatabaseTable("not a url", "t")


def test_an_unsupported_database_is_rejected(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    builtin = {name: kind for name, kind in database.DIALECTS.items() if name != engine.dialect.name}
    monkeypatch.setattr(database, "DIALECTS", replace(database.DIALECTS, builtin=builtin))
    with pytest.raises(BadInput, match=f"{engine.dialect.name} is not a supported database") as caught:
        DatabaseTable(engine, "t")
    assert "use PostgreSQL or SQLite" in str(caught.value.hint)
    assert "airflow_mlops.dialects" in str(caught.value.hint)
