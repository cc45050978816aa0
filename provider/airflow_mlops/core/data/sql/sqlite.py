# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""The SQL dialect of SQLite, 3.35 and later.

SQLite does not enforce declared types, so values are checked. A timestamp is an integer: microseconds since 1970, in
UTC. Python functions registered on the connection replace what SQLite lacks.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from airflow_mlops.core.data.contracts.expression import parse_iso_timestamp
from airflow_mlops.core.data.sql.dialect import MICROSECONDS_A_DAY, Dialect

if TYPE_CHECKING:
    from sqlalchemy import Connection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANKS = {"integer": 1, "real": 2, "text": 3, "blob": 4}
RANKED: Mapping[int, pl.DataType] = {1: pl.Int64(), 2: pl.Float64(), 3: pl.String(), 4: pl.Binary()}
# Polars types of the declared types of SQLite and SQLAlchemy; the first match counts.
DECLARED: Sequence[tuple[tuple[str, ...], pl.DataType]] = (
    (("BOOL",), pl.Boolean()),
    (("DATETIME", "TIMESTAMP"), pl.Datetime("us")),
    (("DATE",), pl.Date()),
    (("INT",), pl.Int64()),
    (("CHAR", "CLOB", "TEXT", "STRING", "TIME", "UUID", "JSON"), pl.String()),
    (("BLOB",), pl.Binary()),
    (("REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"), pl.Float64()),
)


class SqliteDialect(Dialect):
    """The SQL of SQLite."""

    fence = ""  # each column is counted in its own scan, so a fence would compute the others for nothing
    binary = "BINARY"
    max_distance = math.inf
    has_functions = True

    def begin(self, connection: Connection, functions: Mapping[str, Callable[..., Any]]) -> Connection:
        """Begin a read-only transaction."""
        raw: Any = connection.connection.driver_connection
        for name, function in {**FUNCTIONS, **functions}.items():
            raw.create_function(name, -1, function, deterministic=True)
        connection.exec_driver_sql("SAVEPOINT mlops_reading")
        connection.exec_driver_sql("PRAGMA query_only = ON")
        return connection

    def end(self, connection: Connection) -> None:
        """Roll back, including the temporary view of :meth:`column_types`, and make the connection writable again."""
        connection.exec_driver_sql("PRAGMA query_only = OFF")
        connection.exec_driver_sql("ROLLBACK TO mlops_reading")
        connection.exec_driver_sql("RELEASE mlops_reading")

    def column_types(self, connection: Connection, rows: str, columns: Sequence[str]) -> dict[str, pl.DataType]:
        """Return the declared types, which a view passes on; infer them from the values where there is none."""
        from sqlalchemy import text

        connection.exec_driver_sql("PRAGMA query_only = OFF")  # a temporary view of the connection, not in the database
        connection.execute(text(f"CREATE TEMP VIEW mlops_types AS SELECT * FROM {rows}"))
        declared = [row[2] for row in connection.exec_driver_sql("PRAGMA table_info(mlops_types)")]
        connection.exec_driver_sql("DROP VIEW mlops_types")
        connection.exec_driver_sql("PRAGMA query_only = ON")
        types = {column: _declared(name) for column, name in zip(columns, declared, strict=True)}
        if undeclared := [column for column, dtype in types.items() if dtype is None]:
            order = " ".join(f"WHEN '{name}' THEN {rank}" for name, rank in RANKS.items())
            ranks = ", ".join(f"max(CASE typeof({column}) {order} END)" for column in undeclared)
            highest = connection.execute(text(f"SELECT {ranks} FROM {rows}")).one()
            types |= {column: RANKED.get(rank) for column, rank in zip(undeclared, highest, strict=True)}
        return {column: dtype or pl.Null() for column, dtype in types.items()}

    def type_mismatch(self, column: str, dtype: pl.DataType) -> str | None:
        """Return a condition for values not of the declared type: SQLite stores any value in any column."""
        if dtype == pl.Boolean:
            return f"{column} NOT IN (0, 1)"
        if dtype.is_numeric():
            return f"typeof({column}) NOT IN ('null', 'integer', 'real')"
        if dtype in (pl.Date, pl.Datetime):
            return f"({column} IS NOT NULL AND mlops_timestamp({column}) IS NULL)"
        return f"typeof({column}) = 'blob'" if dtype == pl.String else None

    def to_python(self, value: Any, dtype: pl.DataType) -> Any:
        """Convert booleans, dates and times, which are stored as numbers and texts."""
        if dtype == pl.Boolean and value in (0, 1):
            return bool(value)
        timestamp = parse_iso_timestamp(value) if isinstance(value, str) and dtype in (pl.Date, pl.Datetime) else None
        if timestamp is None:
            return value
        return timestamp.date() if dtype == pl.Date else timestamp.replace(tzinfo=None)

    def to_number(self, column: str, dtype: pl.DataType) -> str:
        """Convert a column to double precision."""
        return f"CAST({column} AS REAL)"

    def to_days(self, column: str, dtype: pl.DataType) -> str:
        """Convert text to days."""
        return f"CAST(mlops_timestamp({column}) AS REAL) / {MICROSECONDS_A_DAY}.0"

    def to_timestamp(self, column: str, dtype: pl.DataType) -> str:
        """Convert text to microseconds."""
        return f"mlops_timestamp({column})"

    def to_name(self, column: str, dtype: pl.DataType) -> str:
        """Convert a column to category names."""
        if dtype == pl.Boolean:
            name = f"CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
        elif dtype == pl.Datetime:
            name = f"mlops_timestamp_name({column})"
        elif dtype.is_float():
            name = f"mlops_float_name({column})"
        else:
            name = f"CAST({column} AS TEXT)"
        return f"({name}) COLLATE {self.binary}"

    def is_missing(self, value: str, dtype: pl.DataType) -> str:
        """Return a condition for null; SQLite stores NaN as null."""
        return f"{value} IS NULL"

    def is_finite(self, number: str) -> str:
        """Return a condition for finite numbers."""
        return f"({number} > -9e999 AND {number} < 9e999)"

    def nan_to_null(self, number: str) -> str:
        """Return the number: SQLite has no NaN."""
        return number

    def floor(self, number: str) -> str:
        """Round down to an integer."""
        return f"mlops_floor({number})"

    def truncate(self, number: str) -> str:
        """Truncate to an integer."""
        return f"CAST({number} AS INTEGER)"

    def extreme_of(self, smallest: bool, values: Sequence[str]) -> str:
        """Return the smallest or the largest."""
        return f"{'min' if smallest else 'max'}({', '.join(values)})"

    def change_case(self, upper: bool, text: str) -> str:
        """Convert the case of text."""
        return f"mlops_{'upper' if upper else 'lower'}({text}) COLLATE {self.binary}"

    def matches(self, text: str, bound: str) -> str:
        """Return a condition for matching text."""
        return f"mlops_matches({bound}, {text})"

    def pattern(self, pattern: str) -> str:
        """Return the pattern: the function matches the complete text."""
        return pattern

    def bind_timestamp(self, timestamp: datetime) -> Any:
        """Convert a timestamp to microseconds."""
        return (timestamp - EPOCH) // timedelta(microseconds=1)

    def bound_timestamp(self, bound: str) -> str:
        """Return the bound value: it is a timestamp already."""
        return bound

    def date_part(self, name: str, timestamp: str) -> str:
        """Extract a part of a timestamp."""
        return f"mlops_part('{name}', {timestamp})"

    def days_between(self, timestamp: str, earlier: str) -> str:
        """Return the fractional days between two timestamps."""
        return f"CAST(({timestamp}) - ({earlier}) AS REAL) / {MICROSECONDS_A_DAY}.0"

    def is_not_midnight(self, timestamp: str) -> str:
        """Return a condition for timestamps other than midnight."""
        return f"({timestamp}) % {MICROSECONDS_A_DAY} <> 0"

    def count_values(self, values: Sequence[str], rows: str) -> str:
        """Count each column in a scan of its own."""
        return " UNION ALL ".join(
            f"SELECT {i} AS i, value, count(*) AS n FROM (SELECT {value} AS value FROM {rows}) GROUP BY value"
            for i, value in enumerate(values)
        )

    def unnest_pairs(self, bound: str) -> str:
        """Unnest a JSON list."""
        return f"SELECT json_extract(value, '$[0]') AS i, json_extract(value, '$[1]') AS name FROM json_each({bound})"


def _declared(name: str) -> pl.DataType | None:
    return next((dtype for words, dtype in DECLARED if any(word in name.upper() for word in words)), None)


@functools.lru_cache(maxsize=65_536)
def _timestamp(value: Any) -> int | None:
    timestamp = parse_iso_timestamp(value) if isinstance(value, str) else None
    return None if timestamp is None else (timestamp - EPOCH) // timedelta(microseconds=1)


def _timestamp_name(value: Any) -> str | None:
    timestamp = parse_iso_timestamp(value) if isinstance(value, str) else None
    return None if timestamp is None else timestamp.replace(tzinfo=None).isoformat(" ", "microseconds")


@functools.lru_cache(maxsize=65_536)
def _float_name(value: Any) -> Any:
    """Format a number as Polars does; integers without a point."""
    if value is None or isinstance(value, (str, bytes)):
        return value
    if abs(value) < 2.0**53 and value == int(value):
        return str(int(value))
    return pl.Series([float(value)]).cast(pl.String)[0]


def _matches(pattern: str, text: Any) -> bool | None:
    return None if text is None else re.fullmatch(pattern, str(text)) is not None


def _part(name: str, microseconds: int | None) -> int | None:
    if microseconds is None:
        return None
    timestamp = EPOCH + timedelta(microseconds=microseconds)
    return timestamp.isoweekday() if name == "weekday" else int(getattr(timestamp, name))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "mlops_timestamp": _timestamp,
    "mlops_timestamp_name": _timestamp_name,
    "mlops_float_name": _float_name,
    "mlops_matches": _matches,
    "mlops_part": _part,
    "mlops_floor": lambda number: number if number is None or math.isinf(number) else float(math.floor(number)),
    "mlops_lower": lambda text: None if text is None else str(text).lower(),
    "mlops_upper": lambda text: None if text is None else str(text).upper(),
}
