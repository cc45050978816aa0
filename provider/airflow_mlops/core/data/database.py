# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""Rows that stay in their database: what is needed to judge them there."""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.sql.dialect import Dialect
from airflow_mlops.core.data.sql.postgres import Postgres
from airflow_mlops.core.data.sql.sqlite import Sqlite
from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import URL, Connection, Engine

CONNECT_SECONDS = 15
OLDEST_POSTGRES = (14,)
DIALECTS: Mapping[str, type[Dialect]] = {"postgresql": Postgres, "sqlite": Sqlite}
# What a semicolon may stand in without ending a statement: texts, names, PostgreSQL's dollar quotes, comments.
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUERY = re.compile(r"\s*\(*\s*(select|with|values)\b", re.IGNORECASE)
_STATEMENT = re.compile(r"\s*(insert|update|delete|merge|create|drop|alter|truncate|copy|grant|call)\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reader:
    """Asks one state of a table, and changes nothing.

    :param connection: an open connection, in a transaction.
    :param rows: what comes after FROM; its columns belong to ``mlops_rows``.
    """

    connection: Connection
    rows: str

    def ask(self, sql: str, bound: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Give the rows of a query.

        :param sql: the query; ``:name`` is a bound value, any other colon is written ``\\:``.
        :param bound: the values.
        """
        from sqlalchemy import text

        return self.connection.execute(text(sql), dict(bound or {})).all()

    def count(self) -> int:
        """Count the rows."""
        return int(self.ask(f"SELECT count(*) FROM {self.rows}")[0][0])


class DatabaseTable:
    """Rows that stay in their database; PostgreSQL (14 and later) and SQLite work.

    Nothing is asked before it is needed. Rows are read in a transaction that cannot write.

    :param engine: a SQLAlchemy engine, or a URL.
    :param source: a table or a view (``events``, ``schema.events``), or one SELECT statement.
    :raises BadInput: when the database is another one, or the source is not one SELECT statement.
    """

    def __init__(self, engine: Engine | URL | str, source: str) -> None:
        self.engine = _engine(engine)
        self.source = source.strip().rstrip(";").rstrip()
        shown = self.engine.url.render_as_string(hide_password=True)
        self.where = f"{' '.join(self.source.split())[:120]} in {shown}"
        if self.engine.dialect.name not in DIALECTS:
            raise BadInput(
                f"rows cannot be judged inside a database of the kind {self.engine.dialect.name}",
                where=self.where,
                mend="PostgreSQL and SQLite work; for others, ingest the rows as a snapshot and judge that",
            )
        self.dialect = DIALECTS[self.engine.dialect.name]()
        self.is_query = _is_query(self.source, self.where)
        self._table: str | None = None

    @functools.cached_property
    def schema(self) -> dict[str, pl.DataType]:
        """Column -> the Polars type that it would have in a file of these rows.

        :raises BadInput: when there is no such table, or it cannot be read.
        """
        from sqlalchemy import text

        with self.reading() as reader:
            columns = list(reader.connection.execute(text(f"SELECT * FROM {reader.rows} WHERE 1 = 0")).keys())
            if twice := sorted({name for name in columns if columns.count(name) > 1}):
                raise BadInput(
                    f"column names occur twice: {twice[:5]}", where=self.where, mend="name them apart with AS"
                )
            quoted = [self.quoted(name) for name in columns]
            types = self.dialect.types(reader.connection, reader.rows, quoted)
            return {name: types[column] for name, column in zip(columns, quoted, strict=True)}

    @functools.cached_property
    def rows(self) -> int:
        """How many rows there are."""
        with self.reading() as reader:
            return reader.count()

    def quoted(self, column: str) -> str:
        """Write a column's name for a query."""
        return _escaped('"' + column.replace('"', '""') + '"')

    @contextmanager
    def reading(self, functions: Mapping[str, Callable[..., Any]] | None = None) -> Iterator[Reader]:
        """Read: all queries within see one state of the data.

        :param functions: name -> a function of plain arguments, for a database that lacks it (SQLite).
        :raises BadInput: when the database cannot be reached or a query fails; it names both.
        """
        from sqlalchemy.exc import DBAPIError

        _check_there(self.engine, self.where)
        try:
            with self.engine.connect() as connection:
                begun = self.dialect.begin(connection, functions or {})
                self._check_version(begun)
                try:
                    yield Reader(begun, self._after_from(begun))
                finally:
                    if not begun.invalidated:
                        self.dialect.end(begun)
        except DBAPIError as error:
            raise _told(error, self.where) from error

    def _after_from(self, connection: Connection) -> str:
        if self._table is None:
            self._table = f"(\n{_escaped(self.source)}\n)" if self.is_query else self._found_table(connection)
        return f"{self._table} AS mlops_rows"

    def _found_table(self, connection: Connection) -> str:
        """Find the table: its name may have a dot of its own, or one after the schema's name."""
        from sqlalchemy import inspect

        inspector, quote = inspect(connection), self.quoted
        if inspector.has_table(self.source):
            return quote(self.source)
        schema, dot, name = self.source.partition(".")
        if dot and inspector.has_table(name, schema=schema):
            return f"{quote(schema)}.{quote(name)}"
        there = _tables(inspector, schema if dot else None)
        near = difflib.get_close_matches(self.source.lower(), there, n=3, cutoff=0.5)
        there_are = f"did you mean {near}?" if near else f"there are {there[:20]}"
        raise BadInput(
            "there is no such table",
            where=self.where,
            mend=f"{there_are}; write schema.table for a table of another schema",
        )

    def _check_version(self, connection: Connection) -> None:
        version = connection.dialect.server_version_info or ()
        if isinstance(self.dialect, Postgres) and version < OLDEST_POSTGRES:
            raise BadInput(
                f"PostgreSQL {'.'.join(map(str, version))} is too old to judge rows in it",
                where=self.where,
                mend=f"use {OLDEST_POSTGRES[0]} or later, or ingest the rows as a snapshot and judge that",
            )


def _engine(engine: Engine | URL | str) -> Engine:
    """Make an engine that holds no connection, so that a task process may fork."""
    from sqlalchemy import Engine, create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    if isinstance(engine, Engine):
        return engine
    try:
        url = make_url(engine)
        seconds = {"connect_timeout": CONNECT_SECONDS} if url.get_backend_name() == "postgresql" else {}
        return create_engine(url, poolclass=NullPool, connect_args=seconds)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise BadInput(
            f"the database's URL cannot be used: {type(error).__name__}",
            mend="write it as postgresql+psycopg2://user@host/database or sqlite:////path/of/file.db",
        ) from None


def _is_query(source: str, where: str) -> bool:
    """Say whether the source is a SELECT statement, not a table's name.

    :raises BadInput: when it is another statement, several, or nothing.
    """
    bare = _QUOTED.sub(" ", source)
    mend = "pass a table's name, or one SELECT statement"
    if not source:
        raise BadInput("the source is empty", where=where, mend=mend)
    if _STATEMENT.match(bare):
        raise BadInput("the source is a statement that is no SELECT: it is only read here", where=where, mend=mend)
    is_query = _QUERY.match(bare) is not None
    if is_query and ";" in bare:
        raise BadInput("the source has several statements", where=where, mend=mend)
    return is_query


def _escaped(sql: str) -> str:
    """Keep colons: SQLAlchemy would take ``:word`` for a bound value."""
    return sql.replace(":", r"\:")


def _tables(inspector: Any, schema: str | None) -> list[str]:
    if schema is not None and schema not in inspector.get_schema_names():
        schema = None
    names = [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]
    return sorted(f"{schema}.{name}" if schema else name for name in names)


def _check_there(engine: Engine, where: str) -> None:
    """Refuse an SQLite file that is not there: connecting would make an empty one."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return
    if not os.path.exists(name):
        raise BadInput("there is no such database file", where=where, mend="check the path in the URL")


def _told(error: Any, where: str) -> BadInput:
    """Turn a driver's error into one that says where, and what a person can do."""
    from sqlalchemy.exc import InterfaceError, OperationalError

    reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0][:300]
    reached = not isinstance(error, (OperationalError, InterfaceError)) or error.statement is not None
    mend = "mend the statement or the data that it names" if reached else "check the URL, the login and the server"
    return BadInput(f"the database says: {reason}", where=where, mend=mend)
