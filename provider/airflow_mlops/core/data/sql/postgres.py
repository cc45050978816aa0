# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""The SQL dialect of PostgreSQL, 14 and later."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from airflow_mlops.core.data.contracts.expression import ISO_TIMESTAMP
from airflow_mlops.core.data.profiles.names import (
    FACTORS,
    HEAD_LENGTH,
    MAX_HASHED_BYTES,
    MAX_NAME_LENGTH,
    PRIME,
    SHORTENED_PATTERN,
)
from airflow_mlops.core.data.sql.dialect import MICROSECONDS_A_DAY, Dialect

if TYPE_CHECKING:
    from sqlalchemy import Connection

SETTINGS = {
    "jit": "off",  # compiling such wide queries takes longer than running them
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
UNICODE_COLLATIONS = ("und-x-icu", "pg_unicode_fast", "pg_c_utf8")  # by preference; servers have some of them
_TIMESTAMP = "^" + ISO_TIMESTAMP.replace("(?:", "(") + "$"
_SHORTENED = SHORTENED_PATTERN.removeprefix("(?s)")  # in PostgreSQL a dot always matches a line break
_OPTIONS = re.compile(r"\(\?([a-z]+)\)")


class PostgresDialect(Dialect):
    """The SQL of PostgreSQL."""

    fence = "OFFSET 0"
    binary = '"C"'
    max_distance = 1e120  # PostgreSQL raises an error where a float overflows
    min_version = (14,)

    def __init__(self) -> None:
        self._case_collation: str | None = None

    def begin(self, connection: Connection, functions: Mapping[str, Callable[..., Any]]) -> Connection:
        """Begin a read-only transaction with the time zone UTC."""
        from sqlalchemy import text

        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        for name, value in SETTINGS.items():
            connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
        if self._case_collation is None:
            available = set(connection.execute(text("SELECT collname FROM pg_collation")).scalars())
            self._case_collation = next((name for name in UNICODE_COLLATIONS if name in available), "default")
        return connection

    def column_types(self, connection: Connection, rows: str, columns: Sequence[str]) -> dict[str, pl.DataType]:
        """Return the types from the planner, without reading a row. An enumeration is text."""
        from sqlalchemy import text

        selected = ", ".join(
            "(SELECT CASE WHEN typtype = 'e' THEN 'text' ELSE format_type(coalesce(nullif(typbasetype, 0), oid), NULL)"
            f" END FROM pg_type WHERE oid = CAST(pg_typeof(mlops_rows.{column}) AS oid))"
            for column in columns
        )
        names = connection.execute(text(f"SELECT {selected} FROM (SELECT 1) AS one LEFT JOIN {rows} ON false")).one()
        return {
            c: pl.String() if t in TEXTS else TYPES.get(t, pl.Binary()) for c, t in zip(columns, names, strict=True)
        }

    def to_number(self, column: str, dtype: pl.DataType) -> str:
        """Convert a column to double precision."""
        if dtype in (pl.Duration, pl.Time):
            column = f"extract(epoch FROM {column})"
        elif dtype == pl.Boolean:
            column = f"CAST({column} AS integer)"
        return f"CAST({column} AS double precision)"

    def to_days(self, column: str, dtype: pl.DataType) -> str:
        """Convert a column to days; dates and times at infinity are infinite."""
        value = self.to_timestamp(column, dtype) if dtype == pl.String else column
        seconds = f"CAST(extract(epoch FROM {value}) * 1000000 AS double precision)"
        return f"{seconds} / CAST({MICROSECONDS_A_DAY} AS double precision)"

    def to_timestamp(self, column: str, dtype: pl.DataType) -> str:
        """Convert a column to a timestamp without time zone, in UTC."""
        if dtype == pl.String:
            return _parse_timestamp(column)
        has_zone = isinstance(dtype, pl.Datetime) and dtype.time_zone
        return f"{column} AT TIME ZONE 'UTC'" if has_zone else f"CAST({column} AS timestamp)"

    def to_name(self, column: str, dtype: pl.DataType) -> str:
        """Convert a column to category names."""
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

    def is_missing(self, value: str, dtype: pl.DataType) -> str:
        """Return a condition for null or NaN."""
        return f"({value} IS NULL OR {value} = 'NaN')" if _has_nan(dtype) else f"{value} IS NULL"

    def is_finite(self, number: str) -> str:
        """Return a condition for finite numbers; PostgreSQL sorts NaN above infinity."""
        return f"({number} > '-Infinity' AND {number} < 'Infinity')"

    def nan_to_null(self, number: str) -> str:
        """Replace NaN with null."""
        return f"nullif({number}, 'NaN')"

    def floor(self, number: str) -> str:
        """Round down to an integer."""
        return f"floor({number})"

    def truncate(self, number: str) -> str:
        """Truncate to an integer: a cast alone would round."""
        return f"CAST(floor({number}) AS integer)"

    def extreme_of(self, smallest: bool, values: Sequence[str]) -> str:
        """Return the smallest or the largest; ``least`` and ``greatest`` would skip nulls."""
        listed = ", ".join(f"({value})" for value in values)
        extreme = f"{'min' if smallest else 'max'}(value)"
        complete = f"count(value) = {len(values)}"
        return f"(SELECT CASE WHEN {complete} THEN {extreme} END FROM (VALUES {listed}) AS several(value))"

    def change_case(self, upper: bool, text: str) -> str:
        """Convert the case of text, by the rules of Unicode where the server has them."""
        return f'{"upper" if upper else "lower"}({text} COLLATE "{self._case_collation}") COLLATE {self.binary}'

    def matches(self, text: str, bound: str) -> str:
        """Return a condition for matching text."""
        return f"{text} ~ CAST({bound} AS text)"

    def pattern(self, pattern: str) -> str:
        """Anchor a pattern; a dot does not match a line break, as in Python. Options must come first."""
        options = _OPTIONS.match(pattern)
        rest = pattern[options.end() :] if options else pattern
        return f"(?{options[1] if options else ''}p)^(?:{rest})$"

    def bind_timestamp(self, timestamp: datetime) -> Any:
        """Convert a timestamp to text."""
        return timestamp.astimezone(UTC).replace(tzinfo=None).isoformat(" ")

    def bound_timestamp(self, bound: str) -> str:
        """Return the timestamp of a bound text."""
        return f"CAST({bound} AS timestamp)"

    def date_part(self, name: str, timestamp: str) -> str:
        """Extract a part of a timestamp."""
        return f"CAST(extract({'isodow' if name == 'weekday' else name} FROM {timestamp}) AS integer)"

    def days_between(self, timestamp: str, earlier: str) -> str:
        """Return the fractional days between two timestamps."""
        seconds = f"CAST(extract(epoch FROM ({timestamp}) - ({earlier})) * 1000000 AS double precision)"
        return f"{seconds} / CAST({MICROSECONDS_A_DAY} AS double precision)"

    def is_not_midnight(self, timestamp: str) -> str:
        """Return a condition for timestamps other than midnight."""
        return f"date_trunc('day', {timestamp}) <> {timestamp}"

    def clean_name(self, name: str) -> str:
        """Normalise and shorten a name."""
        nfc = f"CASE WHEN octet_length({name}) = char_length({name}) THEN {name} ELSE normalize({name}, NFC) END"
        digest = f"left(encode(sha256(convert_to({nfc}, 'UTF8')), 'hex'), 24)"
        short = f"left({nfc}, {HEAD_LENGTH}) || '…' || {digest} || '…' || char_length({nfc})"
        return f"CASE WHEN char_length({nfc}) > {MAX_NAME_LENGTH} THEN {short} ELSE {nfc} END"

    def hash_names(self) -> str:
        """Return the query that hashes names."""
        length = (
            f"CASE WHEN char_length(name) >= {MAX_NAME_LENGTH - 12} AND name ~ '{_SHORTENED}'"
            f" THEN CAST(substring(name FROM '…([0-9]+)$') AS bigint) ELSE char_length(name) END"
        )
        utf8 = "convert_to(name, 'UTF8')"
        too_long = f"octet_length({utf8}) > {MAX_HASHED_BYTES}"
        digest = f"convert_to(encode(sha256({utf8}), 'hex'), 'UTF8')"
        encoded = f"SELECT CASE WHEN {too_long} THEN {digest} ELSE {utf8} END AS bytes, n,"
        encoded += f" {length} AS characters FROM named {self.fence}"
        padded = (
            f"SELECT bytes || '\\x000000' AS bytes, octet_length(bytes) AS size, n, characters FROM ({encoded}) AS e"
        )
        words = " + ".join(
            f"CASE WHEN size > {4 * i} THEN {_word(4 * i)} % {PRIME} * {factor} % {PRIME} ELSE 0 END"
            for i, factor in enumerate(FACTORS[1:])
        )
        total = f"(CAST(size AS bigint) * {FACTORS[0]} % {PRIME} + {words}) % {PRIME}"
        summed = f"SELECT {total} AS h, n, characters FROM ({padded} {self.fence}) AS p {self.fence}"
        squared = f"SELECT h, h * h % {PRIME} AS square, n, characters FROM ({summed}) AS s {self.fence}"
        return f"SELECT square * square % {PRIME} * h % {PRIME} AS hash, n, characters FROM ({squared}) AS q"

    def count_values(self, values: Sequence[str], rows: str) -> str:
        """Count all columns in one scan."""
        indexes = range(len(values))
        aliases = ", ".join(f"v{i}" for i in indexes)
        all_ones = (1 << len(values)) - 1  # GROUPING sets the bit of each column that is not grouped by
        cases = " ".join(f"WHEN {all_ones ^ (1 << (len(values) - 1 - i))} THEN {i}" for i in indexes)
        inner = ", ".join(f"{value} AS v{i}" for i, value in enumerate(values))
        return (
            f"SELECT CASE GROUPING({aliases}) {cases} END AS i, coalesce({aliases}) AS value, count(*) AS n"
            f" FROM (SELECT {inner} FROM {rows} {self.fence}) AS grouped"
            f" GROUP BY GROUPING SETS ({', '.join(f'(v{i})' for i in indexes)})"
        )

    def unnest_pairs(self, bound: str) -> str:
        """Unnest a JSON list."""
        return (
            "SELECT CAST(pair ->> 0 AS integer) AS i, pair ->> 1 AS name"
            f" FROM json_array_elements(CAST({bound} AS json)) AS listed(pair)"
        )


def _has_nan(dtype: pl.DataType) -> bool:
    return dtype.is_float() or dtype.is_decimal()


def _parse_timestamp(column: str) -> str:
    """Convert text to a timestamp; null for an impossible date such as 30 February, where a cast would fail."""
    year, month, day = (f"substr({column}, {first}, {size})" for first, size in ((1, 4), (6, 2), (9, 2)))
    first = f"make_date(CAST({year} AS integer), CAST({month} AS integer), 1)"
    last = f"extract(day FROM {first} + interval '1 month' - interval '1 day')"
    rounded_down = rf"regexp_replace({column}, '(\.[0-9]{{6}})[0-9]+', '\1')"  # PostgreSQL would round
    return (
        f"CASE WHEN {column} ~ '{_TIMESTAMP}' AND {year} <> '0000' AND {month} BETWEEN '01' AND '12' AND {day} >= '01'"
        f" THEN CASE WHEN CAST({day} AS integer) <= {last}"
        f" THEN CAST({rounded_down} AS timestamp with time zone) AT TIME ZONE 'UTC' END END"
    ).replace(":", r"\:")


def _float_name(column: str, small: float) -> str:
    """Format a float as Polars does: integers without a point, exponents below ``small`` and from 1e16."""
    text = f"CAST({column} AS text)"
    return (
        f"CASE WHEN {column} = 'NaN' THEN NULL WHEN {column} = 'Infinity' THEN 'inf'"
        f" WHEN {column} = '-Infinity' THEN '-inf' WHEN abs({column}) >= 1e16 THEN {text}"
        f" WHEN {column} = floor({column}) THEN CAST(CAST({column} AS bigint) AS text)"
        f" || CASE WHEN abs({column}) < 9007199254740992 THEN '' ELSE '.0' END"
        f" WHEN abs({column}) < {small} THEN replace({text}, 'e-0', 'e-')"
        f" ELSE CAST(CAST({text} AS numeric) AS text) END"
    )


def _word(start: int) -> str:
    """Return the expression that reads four bytes as a big-endian integer."""
    offsets = ((start + i, 24 - 8 * i) for i in range(4))
    return "(" + " + ".join(f"(CAST(get_byte(bytes, {i}) AS bigint) << {shift})" for i, shift in offsets) + ")"
