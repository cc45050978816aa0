"""Polars expressions for reading columns and for arithmetic.

Functions that use a value several times put it into a struct field once. Otherwise nested rules would double the
expression with each level.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import Any

import polars as pl
import polars.selectors as cs

from airflow_mlops.core.data.contracts.expression import ISO_TIMESTAMP, MAX_EXACT_INTEGER, Round, Scalar

TIMESTAMP_DTYPE = pl.Datetime("us", "UTC")
INFINITY = float("inf")
_MAX_OR_VALUES = 8


def exact_column(name: str) -> pl.Expr:
    """Return a column by its exact name: ``pl.col`` expands ``*`` and ``^a.*$``."""
    return cs.by_name(name).as_expr()


def nan_to_null(number: pl.Expr) -> pl.Expr:
    """Replace NaN by null; ``fill_nan`` alone repeats its expression three times."""
    return _in_steps({"a": number}, pl.field("a").fill_nan(None))


def divide(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Divide numbers; a division by zero is missing.

    The divisor is a struct field because Polars multiplies by the reciprocal of a literal, which rounds twice: 3 / 10
    would not be 0.3.
    """
    a, b = pl.field("a"), pl.field("b")
    return _in_steps({"a": left, "b": right}, pl.when(b != 0).then(a / b))


def floored_remainder(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Return the remainder of a floored division (:class:`~.expression.Remainder`).

    As in the SQL version, no branch overflows or underflows.
    """
    a, b, quotient, rest = map(pl.field, ("a", "b", "quotient", "rest"))
    is_defined = (b != 0) & (a.abs() < INFINITY) & (b.abs() < INFINITY)
    signs_differ = (a != 0) & ((a < 0) != (b < 0))
    floored = (
        pl.when(~is_defined)
        .then(None)
        .when(a.abs() < b.abs())
        .then(pl.when(signs_differ).then(-1.0).otherwise(0.0))
        .when(
            pl.when(a.abs() >= 1)
            .then(a.abs() / MAX_EXACT_INTEGER < b.abs())
            .otherwise(b.abs() * MAX_EXACT_INTEGER > a.abs())
        )
        .then((a / b).floor())
    )
    corrected = (
        pl.when((rest != 0) & ((rest < 0) != (b < 0)))
        .then(rest + b)
        .when(rest.abs() >= b.abs())
        .then(rest - b)
        .otherwise(rest)
    )
    return _in_steps({"a": left, "b": right}, floored.alias("quotient"), (a - b * quotient).alias("rest"), corrected)


def round_half_away(value: pl.Expr, rounding: Round) -> pl.Expr:
    """Round a number (:class:`~.expression.Rounded`). Adding a half instead would round 0.49999999999999994 up."""
    a, scale, units, floor = map(pl.field, ("a", "scale", "units", "floor"))
    size = (floor + pl.when(units - floor >= 0.5).then(1.0).otherwise(0.0)) / scale  # not a literal: see divided
    result = pl.when(a.abs() < rounding.limit).then(pl.when(a < 0).then(-size).otherwise(size)).otherwise(a)
    values = {"a": value, "scale": pl.lit(rounding.scale)}
    return _in_steps(values, (a.abs() * scale).alias("units"), units.floor().alias("floor"), result)


def horizontal_extremum(values: Sequence[pl.Expr], *, minimum: bool) -> pl.Expr:
    """Return the minimum or maximum of values, missing where one is missing."""
    fields_by_name = {f"v{i}": value for i, value in enumerate(values)}
    fields = [pl.field(name) for name in fields_by_name]
    result = pl.min_horizontal(fields) if minimum else pl.max_horizontal(fields)
    complete = pl.all_horizontal([field.is_not_null() for field in fields])
    return _in_steps(fields_by_name, pl.when(complete).then(result))


def _in_steps(values: dict[str, pl.Expr], *steps: pl.Expr) -> pl.Expr:
    """Compute in steps on struct fields (``pl.field``); each step may use the aliases of earlier steps.

    :param values: field name -> its expression.
    :return: the result of the last step.
    """
    struct = pl.struct([value.alias(name) for name, value in values.items()])
    for step in steps[:-1]:
        struct = struct.struct.with_fields(step)
    result: pl.Expr = struct.struct.with_fields(steps[-1].alias("result")).struct.field("result")
    return result


def is_in_list(value: pl.Expr, allowed: list[Any]) -> pl.Expr:
    """Check whether a value is in a list; unknown where it is missing."""
    if 0 < len(allowed) <= _MAX_OR_VALUES and isinstance(allowed[0], str):  # for text a third of the cost of is_in
        equals: list[pl.Expr] = [value == item for item in allowed]
        return reduce(lambda a, b: a | b, equals)
    return value.is_in(allowed) if allowed else pl.when(value.is_not_null()).then(False)


def to_category_codes(values: tuple[Scalar, ...], dtype: pl.DataType) -> list[Any] | None:
    """Return category codes as the numbers that are stored, because converting a column to text is slow.

    For integer columns, text that is not the canonical form of an integer is dropped: it cannot match.

    :return: None when they must be compared as text.
    """
    texts = [str(value) for value in values]
    codes = [int(text) for text in texts if re.fullmatch(r"0|-?[1-9][0-9]{0,14}", text)]
    if dtype.is_integer():
        return None if any(len(text) > 15 for text in texts) else codes
    return [float(code) for code in codes] if dtype.is_float() and len(codes) == len(texts) else None


def read_text(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read a column as text; codes with missing values are stored as floats, and 1.0 is the code 1."""
    if not dtype.is_float():
        return raw.cast(pl.String) if dtype != pl.String else raw
    value = raw.fill_nan(None)
    is_code = (value == value.round()) & (value.abs() < MAX_EXACT_INTEGER)
    return pl.when(is_code).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(value.cast(pl.String))


def read_timestamp(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read a column as UTC timestamps."""
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return _parse_timestamps(raw.cast(pl.String))
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        return raw.dt.convert_time_zone("UTC").cast(TIMESTAMP_DTYPE)
    return raw.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _parse_timestamps(text: pl.Expr) -> pl.Expr:
    """Parse timestamps by groups of :data:`ISO_TIMESTAMP`: format inference would depend on each slice's first rows."""
    pattern = rf"^{ISO_TIMESTAMP}\z"

    def piece(group: int) -> pl.Expr:
        return text.str.extract(pattern, group).cast(pl.Float64).fill_null(0.0)

    day = text.str.extract(pattern, 1).str.to_date("%Y-%m-%d", strict=False)
    zone = text.str.extract(pattern, 5)
    sign = pl.when(zone.str.starts_with("-")).then(-1.0).otherwise(1.0)
    minutes = piece(2) * 60 + piece(3) - piece(5) * 60 - sign * piece(6)
    micros = (minutes * 60_000_000 + (piece(4) * 1_000_000)).round().cast(pl.Int64)
    return (day.cast(pl.Datetime("us")) + pl.duration(microseconds=micros)).dt.replace_time_zone("UTC")
