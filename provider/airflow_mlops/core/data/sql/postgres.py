# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""PostgreSQL, 14 and later."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from airflow_mlops.core.data.contracts.expression import ISO_MOMENT
from airflow_mlops.core.data.sql.dialect import MICROSECONDS_A_DAY, Dialect

if TYPE_CHECKING:
    from sqlalchemy import Connection

SETTINGS = {
    "jit": "off",  # compiling queries as wide as ours takes longer than running them
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
}
TYPES: Mapping[str, pl.DataType] = {
    "smallint": pl.Int16(),
    "integer": pl.Int32(),
    "bigint": pl.Int64(),
    "real": pl.Float32(),
    "double precision": pl.Float64(),
    "numeric": pl.Decimal(38, 9),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "timestamp without time zone": pl.Datetime("us"),
    "timestamp with time zone": pl.Datetime("us", "UTC"),
    "time without time zone": pl.Time(),
    "interval": pl.Duration("us"),
}
TEXTS = ("text", "character varying", "character", "bpchar", "name", "citext", "uuid", '"char"')
KNOW_CASES = ("und-x-icu", "pg_unicode_fast", "pg_c_utf8")  # collations, not all of them on each server
_MOMENT = "^" + ISO_MOMENT.replace("(?:", "(") + "$"
_OPTIONS = re.compile(r"\(\?([a-z]+)\)")


class Postgres(Dialect):
    """Spells for PostgreSQL."""

    fence = "OFFSET 0"
    binary = '"C"'
    largest = 1e120  # PostgreSQL raises an error where a float overflows

    def __init__(self) -> None:
        self._cases: str | None = None

    def begin(self, connection: Connection, functions: Mapping[str, Callable[..., Any]]) -> Connection:
        """Begin a read-only transaction in which moments are in UTC."""
        from sqlalchemy import text

        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        for name, value in SETTINGS.items():
            connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
        if self._cases is None:
            there = set(connection.execute(text("SELECT collname FROM pg_collation")).scalars())
            self._cases = next((name for name in KNOW_CASES if name in there), "default")
        return connection

    def types(self, connection: Connection, rows: str, columns: Sequence[str]) -> dict[str, pl.DataType]:
        """Ask the planner: types are known without a row. An enumeration is text."""
        from sqlalchemy import text

        asked = ", ".join(
            "(SELECT CASE WHEN typtype = 'e' THEN 'text' ELSE format_type(coalesce(nullif(typbasetype, 0), oid), NULL)"
            f" END FROM pg_type WHERE oid = CAST(pg_typeof(mlops_rows.{column}) AS oid))"
            for column in columns
        )
        found = connection.execute(text(f"SELECT {asked} FROM (SELECT 1) AS one LEFT JOIN {rows} ON false")).one()
        return {
            c: pl.String() if t in TEXTS else TYPES.get(t, pl.Binary()) for c, t in zip(columns, found, strict=True)
        }

    def number(self, column: str, dtype: pl.DataType) -> str:
        """Read a column as a number."""
        if dtype in (pl.Duration, pl.Time):
            column = f"extract(epoch FROM {column})"
        elif dtype == pl.Boolean:
            column = f"CAST({column} AS integer)"
        return f"CAST({column} AS double precision)"

    def days(self, column: str, dtype: pl.DataType) -> str:
        """Read a column as days; dates and times at infinity are infinite."""
        value = self.moment(column, dtype) if dtype == pl.String else column
        seconds = f"CAST(extract(epoch FROM {value}) * 1000000 AS double precision)"
        return f"{seconds} / CAST({MICROSECONDS_A_DAY} AS double precision)"

    def moment(self, column: str, dtype: pl.DataType) -> str:
        """Read a column as a timestamp without zone, in UTC."""
        if dtype == pl.String:
            return _moment_of_text(column)
        zoned = isinstance(dtype, pl.Datetime) and dtype.time_zone
        return f"{column} AT TIME ZONE 'UTC'" if zoned else f"CAST({column} AS timestamp)"

    def name(self, column: str, dtype: pl.DataType) -> str:
        """Read a column as names."""
        if dtype == pl.Boolean:
            name = f"CASE WHEN {column} THEN 'true' WHEN NOT {column} THEN 'false' END"
        elif isinstance(dtype, pl.Datetime):
            zone = r" || '+00\:00'" if dtype.time_zone else ""
            name = rf"to_char({column}, 'YYYY-MM-DD HH24\:MI\:SS.US'){zone}"
        elif dtype.is_float():
            name = _float_name(column, 1e-5 if dtype == pl.Float64 else 1e-6)
        else:
            name = f"CAST({column} AS text)"
        return f"({name}) COLLATE {self.binary}"

    def missing(self, value: str, dtype: pl.DataType) -> str:
        """Say where a value is null or NaN."""
        return f"({value} IS NULL OR {value} = 'NaN')" if _has_nan(dtype) else f"{value} IS NULL"

    def finite(self, number: str) -> str:
        """Say where a number is finite; NaN is the greatest here."""
        return f"({number} > '-Infinity' AND {number} < 'Infinity')"

    def without_nan(self, number: str) -> str:
        """Give null in the place of NaN."""
        return f"nullif({number}, 'NaN')"

    def floor(self, number: str) -> str:
        """Give the greatest whole number that is not above."""
        return f"floor({number})"

    def truncated(self, number: str) -> str:
        """Cut a number down: a cast alone would round."""
        return f"CAST(floor({number}) AS integer)"

    def of_several(self, least: bool, values: Sequence[str]) -> str:
        """Give the least or the greatest: the functions of that name leave nulls out."""
        listed = ", ".join(f"({value})" for value in values)
        found = f"{'min' if least else 'max'}(value)"
        return (
            f"(SELECT CASE WHEN count(value) = {len(values)} THEN {found} END FROM (VALUES {listed}) AS several(value))"
        )

    def cased(self, upper: bool, text: str) -> str:
        """Give text in another case, by the rules of Unicode where the server knows them."""
        return f'{"upper" if upper else "lower"}({text} COLLATE "{self._cases}") COLLATE {self.binary}'

    def matches(self, text: str, bound: str) -> str:
        """Say where text matches."""
        return f"{text} ~ CAST({bound} AS text)"

    def pattern(self, pattern: str) -> str:
        """Anchor a pattern; a dot matches no line break, as elsewhere. Options may only stand at the very beginning."""
        options = _OPTIONS.match(pattern)
        rest = pattern[options.end() :] if options else pattern
        return f"(?{options[1] if options else ''}p)^(?:{rest})$"

    def bound_moment(self, moment: datetime) -> Any:
        """Give a moment as text."""
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")

    def as_moment(self, bound: str) -> str:
        """Read it."""
        return f"CAST({bound} AS timestamp)"

    def part(self, name: str, moment: str) -> str:
        """Give a part of a moment."""
        return f"CAST(extract({'isodow' if name == 'weekday' else name} FROM {moment}) AS integer)"

    def days_between(self, moment: str, earlier: str) -> str:
        """Give the days between two moments."""
        seconds = f"CAST(extract(epoch FROM ({moment}) - ({earlier})) * 1000000 AS double precision)"
        return f"{seconds} / CAST({MICROSECONDS_A_DAY} AS double precision)"

    def has_time(self, moment: str) -> str:
        """Say where a moment is not midnight."""
        return f"date_trunc('day', {moment}) <> {moment}"

    def grouped(self, values: Sequence[str], rows: str) -> str:
        """Count all columns in one scan."""
        places = range(len(values))
        marks = ", ".join(f"v{i}" for i in places)
        all_ones = (1 << len(values)) - 1  # GROUPING sets the bit of each column that is not grouped by
        which = " ".join(f"WHEN {all_ones ^ (1 << (len(values) - 1 - i))} THEN {i}" for i in places)
        inner = ", ".join(f"{value} AS v{i}" for i, value in enumerate(values))
        return (
            f"SELECT CASE GROUPING({marks}) {which} END AS i, coalesce({marks}) AS value, count(*) AS n"
            f" FROM (SELECT {inner} FROM {rows} {self.fence}) AS grouped"
            f" GROUP BY GROUPING SETS ({', '.join(f'(v{i})' for i in places)})"
        )

    def pairs(self, bound: str) -> str:
        """Unfold JSON."""
        return (
            "SELECT CAST(pair ->> 0 AS integer) AS i, pair ->> 1 AS name"
            f" FROM json_array_elements(CAST({bound} AS json)) AS listed(pair)"
        )


def _has_nan(dtype: pl.DataType) -> bool:
    return dtype.is_float() or dtype.is_decimal()


def _moment_of_text(column: str) -> str:
    """Read text as a timestamp. What looks like one but is none, such as 30 February, would be an error."""
    year, month, day = (f"substr({column}, {first}, {size})" for first, size in ((1, 4), (6, 2), (9, 2)))
    first = f"make_date(CAST({year} AS integer), CAST({month} AS integer), 1)"
    last = f"extract(day FROM {first} + interval '1 month' - interval '1 day')"
    told = rf"regexp_replace({column}, '(\.[0-9]{{6}})[0-9]+', '\1')"  # PostgreSQL would round what is finer
    return (
        f"CASE WHEN {column} ~ '{_MOMENT}' AND {year} <> '0000' AND {month} BETWEEN '01' AND '12' AND {day} >= '01'"
        f" THEN CASE WHEN CAST({day} AS integer) <= {last}"
        f" THEN CAST({told} AS timestamp with time zone) AT TIME ZONE 'UTC' END END"
    ).replace(":", r"\:")


def _float_name(column: str, small: float) -> str:
    """Write a float as Polars does: whole ones as integers, an exponent below ``small`` and from 1e16 on."""
    text = f"CAST({column} AS text)"
    return (
        f"CASE WHEN {column} = 'NaN' THEN NULL WHEN {column} = 'Infinity' THEN 'inf'"
        f" WHEN {column} = '-Infinity' THEN '-inf' WHEN abs({column}) >= 1e16 THEN {text}"
        f" WHEN {column} = floor({column}) THEN CAST(CAST({column} AS bigint) AS text)"
        f" || CASE WHEN abs({column}) < 9007199254740992 THEN '' ELSE '.0' END"
        f" WHEN abs({column}) < {small} THEN replace({text}, 'e-0', 'e-')"
        f" ELSE CAST(CAST({text} AS numeric) AS text) END"
    )
