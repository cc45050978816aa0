"""Values of a row as Polars expressions: columns as they are read, and what is computed of them.

Rules nest, and so each function here that needs a value several times has it written once: in a struct whose fields are
then named. Otherwise an expression would double with each function around it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import Any

import polars as pl
import polars.selectors as cs

from airflow_mlops.core.data.contracts.expression import ISO_MOMENT, WHOLE, Rounded, Scalar

MOMENT = pl.Datetime("us", "UTC")
INFINITY = float("inf")
FEW = 8


def named(name: str) -> pl.Expr:
    """Give a column by its very name: ``pl.col`` takes ``*`` and ``^a.*$`` for many columns."""
    return cs.by_name(name).as_expr()


def without_nan(number: pl.Expr) -> pl.Expr:
    """Give null in the place of NaN; ``fill_nan`` alone writes its expression three times."""
    return _in_steps({"a": number}, pl.field("a").fill_nan(None))


def divided(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Divide numbers; a division by zero is missing.

    Polars multiplies by the reciprocal of a literal, which rounds twice: 3 / 10 would not be 0.3.
    A field is no literal.
    """
    a, b = pl.field("a"), pl.field("b")
    return _in_steps({"a": left, "b": right}, pl.when(b != 0).then(a / b))


def remainder(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Give what whole steps leave (:class:`~.expression.Remainder`).

    Each branch is one that no float overflows or underflows in, as a database may not do.
    """
    a, b, quotient, rest = map(pl.field, ("a", "b", "quotient", "rest"))
    known = (b != 0) & (a.abs() < INFINITY) & (b.abs() < INFINITY)
    across = (a != 0) & ((a < 0) != (b < 0))
    whole = (
        pl.when(~known)
        .then(None)
        .when(a.abs() < b.abs())
        .then(pl.when(across).then(-1.0).otherwise(0.0))
        .when(pl.when(a.abs() >= 1).then(a.abs() / WHOLE < b.abs()).otherwise(b.abs() * WHOLE > a.abs()))
        .then((a / b).floor())
    )
    inside = (
        pl.when((rest != 0) & ((rest < 0) != (b < 0)))
        .then(rest + b)
        .when(rest.abs() >= b.abs())
        .then(rest - b)
        .otherwise(rest)
    )
    return _in_steps({"a": left, "b": right}, whole.alias("quotient"), (a - b * quotient).alias("rest"), inside)


def rounded(value: pl.Expr, asked: Rounded) -> pl.Expr:
    """Round a number (:class:`~.expression.Rounded`). No half is added: that would round 0.49999999999999994 up."""
    a, scale, units, whole = map(pl.field, ("a", "scale", "units", "whole"))
    size = (whole + pl.when(units - whole >= 0.5).then(1.0).otherwise(0.0)) / scale  # no literal: see divided
    near = pl.when(a.abs() < asked.limit).then(pl.when(a < 0).then(-size).otherwise(size)).otherwise(a)
    given = {"a": value, "scale": pl.lit(asked.scale)}
    return _in_steps(given, (a.abs() * scale).alias("units"), units.floor().alias("whole"), near)


def extreme(values: Sequence[pl.Expr], *, least: bool) -> pl.Expr:
    """Give the least or the greatest of values, missing where one is missing."""
    given = {f"v{i}": value for i, value in enumerate(values)}
    fields = [pl.field(name) for name in given]
    found = pl.min_horizontal(fields) if least else pl.max_horizontal(fields)
    there = pl.all_horizontal([field.is_not_null() for field in fields])
    return _in_steps(given, pl.when(there).then(found))


def _in_steps(given: dict[str, pl.Expr], *steps: pl.Expr) -> pl.Expr:
    """Compute with values that have names (``pl.field``), and with what the steps before have named.

    :return: what the last step gives.
    """
    struct = pl.struct([value.alias(name) for name, value in given.items()])
    for step in steps[:-1]:
        struct = struct.struct.with_fields(step)
    found: pl.Expr = struct.struct.with_fields(steps[-1].alias("found")).struct.field("found")
    return found


def among(value: pl.Expr, allowed: list[Any]) -> pl.Expr:
    """Say whether a value is one of a few; a missing one is unknown."""
    if 0 < len(allowed) <= FEW and isinstance(allowed[0], str):  # a third of the cost of is_in for text
        same: list[pl.Expr] = [value == one for one in allowed]
        return reduce(lambda a, b: a | b, same)
    return value.is_in(allowed) if allowed else pl.when(value.is_not_null()).then(False)


def as_codes(values: tuple[Scalar, ...], dtype: pl.DataType) -> list[Any] | None:
    """Give the codes of a category as the numbers that are stored: text of a million rows is dear.

    Text that no whole number is written as is left out: a column of whole numbers never has it.

    :return: None when they have to be compared as text.
    """
    texts = [str(value) for value in values]
    codes = [int(text) for text in texts if re.fullmatch(r"0|-?[1-9][0-9]{0,14}", text)]
    if dtype.is_integer():
        return None if any(len(text) > 15 for text in texts) else codes
    return [float(code) for code in codes] if dtype.is_float() and len(codes) == len(texts) else None


def as_text(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read text; codes with missing values arrive as floats, and 1.0 is the code 1."""
    if not dtype.is_float():
        return raw.cast(pl.String) if dtype != pl.String else raw
    value = raw.fill_nan(None)
    is_code = (value == value.round()) & (value.abs() < WHOLE)
    return pl.when(is_code).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(value.cast(pl.String))


def as_moment(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read a moment in UTC."""
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return _moment_of_text(raw.cast(pl.String))
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        return raw.dt.convert_time_zone("UTC").cast(MOMENT)
    return raw.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _moment_of_text(text: pl.Expr) -> pl.Expr:
    """Read text by its pieces: a parser that guesses the form from the first rows would read each slice its own way."""
    pattern = rf"^{ISO_MOMENT}\z"

    def piece(group: int) -> pl.Expr:
        return text.str.extract(pattern, group).cast(pl.Float64).fill_null(0.0)

    day = text.str.extract(pattern, 1).str.to_date("%Y-%m-%d", strict=False)
    zone = text.str.extract(pattern, 5)
    sign = pl.when(zone.str.starts_with("-")).then(-1.0).otherwise(1.0)
    minutes = piece(2) * 60 + piece(3) - piece(5) * 60 - sign * piece(6)
    micros = (minutes * 60_000_000 + (piece(4) * 1_000_000)).round().cast(pl.Int64)
    return (day.cast(pl.Datetime("us")) + pl.duration(microseconds=micros)).dt.replace_time_zone("UTC")
