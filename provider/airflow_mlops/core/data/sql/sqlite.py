# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""SQLite, 3.35 and later.

Types are only declared there, so values are looked at. A moment is a whole number of microseconds since 1970, in UTC.
What SQLite lacks is done by Python functions that its connection gets.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from airflow_mlops.core.data.contracts.expression import moment_from_text
from airflow_mlops.core.data.sql.dialect import MICROSECONDS_A_DAY, Dialect

if TYPE_CHECKING:
    from sqlalchemy import Connection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANKS = {"integer": 1, "real": 2, "text": 3, "blob": 4}
RANKED: Mapping[int, pl.DataType] = {1: pl.Int64(), 2: pl.Float64(), 3: pl.String(), 4: pl.Binary()}
# What a declared type means, as SQLite and SQLAlchemy name types; the first that fits.
DECLARED: Sequence[tuple[tuple[str, ...], pl.DataType]] = (
    (("BOOL",), pl.Boolean()),
    (("DATETIME", "TIMESTAMP"), pl.Datetime("us")),
    (("DATE",), pl.Date()),
    (("INT",), pl.Int64()),
    (("CHAR", "CLOB", "TEXT", "STRING", "TIME", "UUID", "JSON"), pl.String()),
    (("BLOB",), pl.Binary()),
    (("REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"), pl.Float64()),
)


class Sqlite(Dialect):
    """Spells for SQLite."""

    fence = ""  # copied expressions cost less than columns computed for nothing: each is counted in its own scan
    binary = "BINARY"
    largest = math.inf

    def begin(self, connection: Connection, functions: Mapping[str, Callable[..., Any]]) -> Connection:
        """Begin a transaction that cannot write."""
        raw: Any = connection.connection.driver_connection
        for name, function in {**FUNCTIONS, **functions}.items():
            raw.create_function(name, -1, function, deterministic=True)
        connection.exec_driver_sql("SAVEPOINT mlops_reading")
        connection.exec_driver_sql("PRAGMA query_only = ON")
        return connection

    def end(self, connection: Connection) -> None:
        """Undo the view that told types, if one is left, and let the connection write again."""
        connection.exec_driver_sql("PRAGMA query_only = OFF")
        connection.exec_driver_sql("ROLLBACK TO mlops_reading")
        connection.exec_driver_sql("RELEASE mlops_reading")

    def types(self, connection: Connection, rows: str, columns: Sequence[str]) -> dict[str, pl.DataType]:
        """Take the declared types, which a view passes on; look at the values of columns that have none."""
        from sqlalchemy import text

        connection.exec_driver_sql("PRAGMA query_only = OFF")  # a view of the connection's own, never of the database
        connection.execute(text(f"CREATE TEMP VIEW mlops_types AS SELECT * FROM {rows}"))
        declared = [row[2] for row in connection.exec_driver_sql("PRAGMA table_info(mlops_types)")]
        connection.exec_driver_sql("DROP VIEW mlops_types")
        connection.exec_driver_sql("PRAGMA query_only = ON")
        types = {column: _declared(name) for column, name in zip(columns, declared, strict=True)}
        if unknown := [column for column, dtype in types.items() if dtype is None]:
            order = " ".join(f"WHEN '{name}' THEN {rank}" for name, rank in RANKS.items())
            ranks = ", ".join(f"max(CASE typeof({column}) {order} END)" for column in unknown)
            found = connection.execute(text(f"SELECT {ranks} FROM {rows}")).one()
            types |= {column: RANKED.get(rank) for column, rank in zip(unknown, found, strict=True)}
        return {column: dtype or pl.Null() for column, dtype in types.items()}

    def misfit(self, column: str, dtype: pl.DataType) -> str | None:
        """Say where a value is not of the declared type: SQLite stores any value in any column."""
        if dtype == pl.Boolean:
            return f"{column} NOT IN (0, 1)"
        if dtype.is_numeric():
            return f"typeof({column}) NOT IN ('null', 'integer', 'real')"
        if dtype in (pl.Date, pl.Datetime):
            return f"({column} IS NOT NULL AND mlops_moment({column}) IS NULL)"
        return f"typeof({column}) = 'blob'" if dtype == pl.String else None

    def restored(self, value: Any, dtype: pl.DataType) -> Any:
        """Give truth values, dates and times, which are stored as numbers and texts."""
        if dtype == pl.Boolean and value in (0, 1):
            return bool(value)
        moment = moment_from_text(value) if isinstance(value, str) and dtype in (pl.Date, pl.Datetime) else None
        if moment is None:
            return value
        return moment.date() if dtype == pl.Date else moment.replace(tzinfo=None)

    def number(self, column: str, dtype: pl.DataType) -> str:
        """Read a column as a number."""
        return f"CAST({column} AS REAL)"

    def days(self, column: str, dtype: pl.DataType) -> str:
        """Read text as days."""
        return f"CAST(mlops_moment({column}) AS REAL) / {MICROSECONDS_A_DAY}.0"

    def moment(self, column: str, dtype: pl.DataType) -> str:
        """Read text as microseconds."""
        return f"mlops_moment({column})"

    def name(self, column: str, dtype: pl.DataType) -> str:
        """Read a column as names."""
        if dtype == pl.Boolean:
            name = f"CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
        elif dtype == pl.Datetime:
            name = f"mlops_moment_name({column})"
        elif dtype.is_float():
            name = f"mlops_float_name({column})"
        else:
            name = f"CAST({column} AS TEXT)"
        return f"({name}) COLLATE {self.binary}"

    def missing(self, value: str, dtype: pl.DataType) -> str:
        """Say where a value is null; NaN is stored as null."""
        return f"{value} IS NULL"

    def finite(self, number: str) -> str:
        """Say where a number is finite."""
        return f"({number} > -9e999 AND {number} < 9e999)"

    def without_nan(self, number: str) -> str:
        """Give the number: there is no NaN."""
        return number

    def floor(self, number: str) -> str:
        """Give the greatest whole number that is not above."""
        return f"mlops_floor({number})"

    def truncated(self, number: str) -> str:
        """Cut a number down."""
        return f"CAST({number} AS INTEGER)"

    def of_several(self, least: bool, values: Sequence[str]) -> str:
        """Give the least or the greatest."""
        return f"{'min' if least else 'max'}({', '.join(values)})"

    def cased(self, upper: bool, text: str) -> str:
        """Give text in another case."""
        return f"mlops_{'upper' if upper else 'lower'}({text}) COLLATE {self.binary}"

    def matches(self, text: str, bound: str) -> str:
        """Say where text matches."""
        return f"mlops_matches({bound}, {text})"

    def pattern(self, pattern: str) -> str:
        """Give the pattern: the function matches the whole text."""
        return pattern

    def bound_moment(self, moment: datetime) -> Any:
        """Give a moment in microseconds."""
        return (moment - EPOCH) // timedelta(microseconds=1)

    def as_moment(self, bound: str) -> str:
        """Read it."""
        return bound

    def part(self, name: str, moment: str) -> str:
        """Give a part of a moment."""
        return f"mlops_part('{name}', {moment})"

    def days_between(self, moment: str, earlier: str) -> str:
        """Give the days between two moments."""
        return f"CAST(({moment}) - ({earlier}) AS REAL) / {MICROSECONDS_A_DAY}.0"

    def has_time(self, moment: str) -> str:
        """Say where a moment is not midnight."""
        return f"({moment}) % {MICROSECONDS_A_DAY} <> 0"

    def grouped(self, values: Sequence[str], rows: str) -> str:
        """Count each column in a scan of its own."""
        return " UNION ALL ".join(
            f"SELECT {i} AS i, value, count(*) AS n FROM (SELECT {value} AS value FROM {rows}) GROUP BY value"
            for i, value in enumerate(values)
        )

    def pairs(self, bound: str) -> str:
        """Unfold JSON."""
        return f"SELECT json_extract(value, '$[0]') AS i, json_extract(value, '$[1]') AS name FROM json_each({bound})"


def _declared(name: str) -> pl.DataType | None:
    return next((dtype for words, dtype in DECLARED if any(word in name.upper() for word in words)), None)


@functools.lru_cache(maxsize=65_536)
def _moment(value: Any) -> int | None:
    moment = moment_from_text(value) if isinstance(value, str) else None
    return None if moment is None else (moment - EPOCH) // timedelta(microseconds=1)


def _moment_name(value: Any) -> str | None:
    moment = moment_from_text(value) if isinstance(value, str) else None
    return None if moment is None else moment.replace(tzinfo=None).isoformat(" ", "microseconds")


@functools.lru_cache(maxsize=65_536)
def _float_name(value: Any) -> Any:
    """Write a number as Polars does; whole ones as integers."""
    if value is None or isinstance(value, (str, bytes)):
        return value
    if abs(value) < 2.0**53 and value == int(value):
        return str(int(value))
    return pl.Series([float(value)]).cast(pl.String)[0]


def _matches(pattern: str, text: Any) -> bool | None:
    return None if text is None else re.fullmatch(pattern, str(text)) is not None


def _part(name: str, moment: int | None) -> int | None:
    if moment is None:
        return None
    found = EPOCH + timedelta(microseconds=moment)
    return found.isoweekday() if name == "weekday" else int(getattr(found, name))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "mlops_moment": _moment,
    "mlops_moment_name": _moment_name,
    "mlops_float_name": _float_name,
    "mlops_matches": _matches,
    "mlops_part": _part,
    "mlops_floor": lambda number: number if number is None or math.isinf(number) else float(math.floor(number)),
    "mlops_lower": lambda text: None if text is None else str(text).lower(),
    "mlops_upper": lambda text: None if text is None else str(text).upper(),
}
