# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""Tables and queries that are validated and profiled inside their database."""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.extensions import ExtensionPoint
from airflow_mlops.core.data.sql.dialect import Dialect

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import URL, Connection, Engine

CONNECT_SECONDS = 15


def _invalid_reason(value: Any) -> str | None:
    if not (isinstance(value, type) and issubclass(value, Dialect)):
        return "it is not a subclass of airflow_mlops.api.Dialect"
    return f"it lacks {', '.join(sorted(value.__abstractmethods__))}" if value.__abstractmethods__ else None


DIALECTS: ExtensionPoint[type[Dialect]] = ExtensionPoint(
    kind="database dialect",
    group="dialects",
    builtin={
        "postgresql": "airflow_mlops.core.data.sql.postgres:PostgresDialect",
        "sqlite": "airflow_mlops.core.data.sql.sqlite:SqliteDialect",
    },
    check=_invalid_reason,
)
"""Backend name of SQLAlchemy -> the SQL of that database."""
# Where a semicolon does not end a statement: strings, quoted names, PostgreSQL's dollar quotes, comments.
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUERY = re.compile(r"\s*\(*\s*(select|with|values)\b", re.IGNORECASE)
_STATEMENT = re.compile(r"\s*(insert|update|delete|merge|create|drop|alter|truncate|copy|grant|call)\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TableReader:
    """Read-only queries on one consistent state of a table.

    :param connection: an open connection, in a transaction.
    :param from_clause: the FROM clause; its columns belong to ``mlops_rows``.
    """

    connection: Connection
    from_clause: str

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Run a query and return its rows.

        :param sql: the query; ``:name`` is a bound parameter, any other colon is escaped as ``\\:``.
        :param params: the values of the parameters.
        """
        from sqlalchemy import text

        return self.connection.execute(text(sql), dict(params or {})).all()

    def count(self) -> int:
        """Count the rows."""
        return int(self.query(f"SELECT count(*) FROM {self.from_clause}")[0][0])


class DatabaseTable:
    """A table, view or query whose rows stay in their database.

    The database is PostgreSQL (14 and later), SQLite, or one that another package adds to :data:`DIALECTS`. Queries run
    on first use, in a read-only transaction.

    :param engine: a SQLAlchemy engine, or a URL.
    :param source: a table or a view (``events``, ``schema.events``), or one SELECT statement.
    :param dialect: the name or the import path of the database dialect; default: the engine's backend name.
    :raises BadInput: when the database is not supported, or the source is not one SELECT statement.
    """

    def __init__(self, engine: Engine | URL | str, source: str, *, dialect: str | None = None) -> None:
        self.engine = _engine(engine)
        self.source = source.strip().rstrip(";").rstrip()
        url = self.engine.url.render_as_string(hide_password=True)
        self.where = f"{' '.join(self.source.split())[:120]} in {url}"
        name = dialect or self.engine.dialect.name
        if name not in DIALECTS:
            raise BadInput(
                f"{name} is not a supported database",
                where=self.where,
                hint="use PostgreSQL or SQLite; install a package that adds it to the entry-point group"
                " airflow_mlops.dialects; or ingest the rows as a snapshot and validate that",
            )
        self.dialect = DIALECTS.get(name)()
        self.is_query = _is_query(self.source, self.where)
        self._table: str | None = None

    @functools.cached_property
    def schema(self) -> dict[str, pl.DataType]:
        """Column -> the Polars type that it would have in a file of these rows.

        :raises BadInput: when the table does not exist, or cannot be read.
        """
        from sqlalchemy import text

        with self.open_reader() as reader:
            columns = list(reader.connection.execute(text(f"SELECT * FROM {reader.from_clause} WHERE 1 = 0")).keys())
            if duplicates := sorted({name for name in columns if columns.count(name) > 1}):
                raise BadInput(
                    f"column names occur twice: {duplicates[:5]}", where=self.where, hint="rename them with AS"
                )
            quoted = [self.quote(name) for name in columns]
            types = self.dialect.column_types(reader.connection, reader.from_clause, quoted)
            return {name: types[column] for name, column in zip(columns, quoted, strict=True)}

    @functools.cached_property
    def rows(self) -> int:
        """The number of rows."""
        with self.open_reader() as reader:
            return reader.count()

    def quote(self, column: str) -> str:
        """Quote a column's name for a query."""
        return _escape_colons('"' + column.replace('"', '""') + '"')

    @contextmanager
    def open_reader(self, functions: Mapping[str, Callable[..., Any]] | None = None) -> Iterator[TableReader]:
        """Open a reader; all its queries see one consistent state of the data.

        :param functions: name -> a scalar function, for a database that lacks it (SQLite).
        :raises BadInput: when the database cannot be reached or a query fails; it names both.
        """
        from sqlalchemy.dialects.sqlite.base import SQLiteDialect
        from sqlalchemy.exc import DBAPIError

        if isinstance(self.engine.dialect, SQLiteDialect):
            _check_file_exists(self.engine, self.where)
        try:
            with self.engine.connect() as connection:
                started = self.dialect.begin(connection, functions or {})
                self._check_version(started)
                try:
                    yield TableReader(started, self._from_clause(started))
                finally:
                    if not started.invalidated:
                        self.dialect.end(started)
        except DBAPIError as error:
            raise _database_error(error, self.where) from error

    def _from_clause(self, connection: Connection) -> str:
        if self._table is None:
            self._table = f"(\n{_escape_colons(self.source)}\n)" if self.is_query else self._find_table(connection)
        return f"{self._table} AS mlops_rows"

    def _find_table(self, connection: Connection) -> str:
        """Return the quoted table name; a dot is part of the name or separates it from the schema."""
        from sqlalchemy import inspect

        inspector, quote = inspect(connection), self.quote
        if inspector.has_table(self.source):
            return quote(self.source)
        schema, dot, name = self.source.partition(".")
        if dot and inspector.has_table(name, schema=schema):
            return f"{quote(schema)}.{quote(name)}"
        tables = _list_tables(inspector, schema if dot else None)
        similar = difflib.get_close_matches(self.source.lower(), tables, n=3, cutoff=0.5)
        suggestion = f"did you mean {similar}?" if similar else f"available tables: {tables[:20]}"
        raise BadInput(
            "there is no such table",
            where=self.where,
            hint=f"{suggestion}; write schema.table for a table of another schema",
        )

    def _check_version(self, connection: Connection) -> None:
        version = connection.dialect.server_version_info or ()
        required = self.dialect.min_version
        if version < required:
            raise BadInput(
                f"{connection.dialect.name} {'.'.join(map(str, version))} is not supported",
                where=self.where,
                hint=f"use {'.'.join(map(str, required))} or later, or ingest the rows as a snapshot and validate that",
            )


def _engine(engine: Engine | URL | str) -> Engine:
    """Return an engine that pools no connections, so that a task process may fork."""
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
            f"the database URL is not valid: {type(error).__name__}",
            hint="write it as postgresql+psycopg2://user@host/database or sqlite:////path/of/file.db",
        ) from None


def _is_query(source: str, where: str) -> bool:
    """Check whether the source is a SELECT statement rather than a table's name.

    :raises BadInput: when it is another statement, several statements, or empty.
    """
    unquoted = _QUOTED.sub(" ", source)
    hint = "pass a table's name, or one SELECT statement"
    if not source:
        raise BadInput("the source is empty", where=where, hint=hint)
    if _STATEMENT.match(unquoted):
        raise BadInput("the source is not a SELECT statement", where=where, hint=hint)
    is_query = _QUERY.match(unquoted) is not None
    if is_query and ";" in unquoted:
        raise BadInput("the source has several statements", where=where, hint=hint)
    return is_query


def _escape_colons(sql: str) -> str:
    """Escape colons: SQLAlchemy would take ``:word`` for a bound parameter."""
    return sql.replace(":", r"\:")


def _list_tables(inspector: Any, schema: str | None) -> list[str]:
    if schema is not None and schema not in inspector.get_schema_names():
        schema = None
    names = [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]
    return sorted(f"{schema}.{name}" if schema else name for name in names)


def _check_file_exists(engine: Engine, where: str) -> None:
    """Raise if the SQLite file does not exist: connecting would create an empty one."""
    name = engine.url.database
    if not name or name == ":memory:" or name.startswith("file:"):
        return
    if not os.path.exists(name):
        raise BadInput("the database file does not exist", where=where, hint="check the path in the URL")


def _database_error(error: Any, where: str) -> BadInput:
    """Translate a driver's error into one with the location and a hint."""
    from sqlalchemy.exc import InterfaceError, OperationalError

    reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0][:300]
    connected = not isinstance(error, (OperationalError, InterfaceError)) or error.statement is not None
    hint = "fix the statement or the data it reads" if connected else "check the URL, the login and the server"
    return BadInput(f"database error: {reason}", where=where, hint=hint)
