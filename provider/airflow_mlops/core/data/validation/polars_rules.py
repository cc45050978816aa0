"""Conditions on a row as Polars expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

import polars as pl
import polars.selectors as cs

from airflow_mlops.core.data.contracts.columns import TIMES
from airflow_mlops.core.data.contracts.expression import (
    ISO_MOMENT,
    SORTS,
    All,
    Among,
    AnyOf,
    Call,
    Choose,
    Column,
    Compare,
    Compute,
    Constant,
    Finite,
    Infinite,
    IsNull,
    Matches,
    Misfit,
    Missing,
    Node,
    Not,
    Scalar,
    children,
)
from airflow_mlops.core.data.validation.rules import Rule, Storage, Stored
from airflow_mlops.core.errors import BadInput

MOMENT = pl.Datetime("us", "UTC")
INFINITY = float("inf")
FEW = 8
DAY = 86_400_000_000  # microseconds
_COMPARE: dict[str, Callable[[Any, Any], pl.Expr]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def stored(dtype: pl.DataType) -> Stored:
    """Say how a Polars column is stored."""
    kind: Storage = "other"
    if dtype.is_integer():
        kind = "int"
    elif dtype.is_float():
        kind = "float"
    elif dtype.is_decimal():
        kind = "decimal"
    elif dtype in (pl.String, pl.Categorical, pl.Enum):
        kind = "text"
    else:
        simple: dict[Any, Storage] = {pl.Boolean: "bool", pl.Date: "date", pl.Datetime: "datetime", pl.Null: "null"}
        kind = next((name for base, name in simple.items() if dtype == base), kind)
    return Stored(kind, str(dtype))


def whole(pattern: str) -> str:
    """Give a pattern that the whole of a text has to match."""
    return rf"^(?:{pattern})\z"


class PolarsRules:
    """Compiles conditions for rows of one schema.

    :param schema: column -> Polars type.
    """

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self.schema = schema
        self.forms: dict[type[Any], Callable[[Any], pl.Expr]] = {
            Constant: lambda node: pl.lit(node.value),
            Column: self.read,
            Missing: lambda node: ~self._present(node.column),
            Misfit: lambda node: self._misfit(node.column),
            Infinite: lambda node: self._infinite(node.column),
            Finite: lambda node: self._finite(node.column),
            IsNull: lambda node: self.expression(node.operand).is_null(),
            Compute: self._compute,
            Compare: lambda node: self._comparison(node, self.expression),
            Among: self._among,
            Matches: lambda node: self.expression(node.operand).str.contains(whole(node.pattern)),
            All: self._all,
            AnyOf: lambda node: reduce(lambda a, b: a | b, map(self.expression, node.parts)),
            Not: lambda node: ~self.expression(node.part),
            Choose: lambda node: (
                pl.when(self.expression(node.condition))
                .then(self.expression(node.then))
                .otherwise(self.expression(node.otherwise))
            ),
            Call: self._call,
        }

    def expression(self, node: Node) -> pl.Expr:
        """Give the expression of a condition, or of a value in it."""
        return self.forms[type(node)](node)

    def read(self, column: Column) -> pl.Expr:
        """Read a column as the contract's type; what cannot be read, and NaN, is null."""
        raw, dtype = pl.col(column.name), self.schema[column.name]
        sort = SORTS[column.type]
        if dtype == pl.Null:
            return raw.cast({"number": pl.Float64(), "text": pl.String(), "bool": pl.Boolean(), "moment": MOMENT}[sort])
        if sort == "text":
            return _text(raw, dtype)
        if sort == "moment":
            return _moment(raw, dtype)
        if dtype.is_decimal():
            return raw.cast(pl.Float64)
        return raw.fill_nan(None) if dtype.is_float() else raw

    def number(self, node: Node) -> pl.Expr:
        """Give a value in double precision."""
        return self.expression(node).cast(pl.Float64)

    def _floating(self, column: Column) -> bool:
        return self.schema[column.name].is_float()

    def _present(self, column: Column) -> pl.Expr:
        raw = pl.col(column.name)
        return raw.is_not_null() & raw.is_not_nan().fill_null(False) if self._floating(column) else raw.is_not_null()

    def _infinite(self, column: Column) -> pl.Expr:
        raw = pl.col(column.name)
        return (raw == INFINITY) | (raw == -INFINITY) if self._floating(column) else pl.lit(False)

    def _finite(self, column: Column) -> pl.Expr:
        raw = pl.col(column.name)
        # NaN is above all numbers here, so this leaves it out; two comparisons cost less than is_finite.
        inside = ((raw > -INFINITY) & (raw < INFINITY)).fill_null(False)
        return inside if self._floating(column) else raw.is_not_null()

    def _misfit(self, column: Column) -> pl.Expr:
        raw, value, dtype = pl.col(column.name), self.read(column), self.schema[column.name]
        if column.type == "int" and dtype.is_float():
            return (raw.is_finite() & (raw != raw.round())).fill_null(False)
        if column.type == "int" and dtype.is_decimal():
            return (value != value.round()).fill_null(False)
        if column.type not in TIMES:
            return pl.lit(False)
        unread = raw.is_not_null() & value.is_null() if dtype == pl.String else pl.lit(False)
        timed = (value.dt.truncate("1d") != value).fill_null(False) if column.type == "date" else pl.lit(False)
        return unread | timed

    def _all(self, node: All) -> pl.Expr:
        """Join conditions; beside :class:`Finite` a column of floats needs no look at NaN of its own."""
        sure = {part.column.name for part in node.parts if isinstance(part, Finite) and self._floating(part.column)}

        def plain(part: Node) -> pl.Expr:
            return pl.col(part.name) if isinstance(part, Column) and part.name in sure else self.expression(part)

        def joined(part: Node) -> pl.Expr:
            if isinstance(part, AnyOf):
                return reduce(lambda a, b: a | b, map(joined, part.parts))
            return self._comparison(part, plain) if isinstance(part, Compare) else self.expression(part)

        return reduce(lambda a, b: a & b, map(joined, node.parts))

    def _comparison(self, node: Compare, read: Callable[[Node], pl.Expr]) -> pl.Expr:
        return _COMPARE[node.operator](read(node.left), read(node.right))

    def _compute(self, node: Compute) -> pl.Expr:
        left, right = self.number(node.left), self.number(node.right)
        if node.operator == "+":
            value = left + right
        elif node.operator == "-":
            value = left - right
        elif node.operator == "*":
            value = left * right
        else:
            value = pl.when(right != 0).then(left / right)
        return value.fill_nan(None)

    def _among(self, node: Among) -> pl.Expr:
        values: list[Any] = list(node.values)
        if not isinstance(node.operand, Column):
            return _in(self.expression(node.operand), values)
        raw, dtype = pl.col(node.operand.name), self.schema[node.operand.name]
        if node.operand.type == "category" and (codes := _codes(node.values, dtype)) is not None:
            return _in(raw.fill_nan(None) if dtype.is_float() else raw, codes)
        if SORTS[node.operand.type] == "number":
            is_whole = dtype.is_integer()
            values = [int(v) for v in values if v == int(v)] if is_whole else [float(v) for v in values]
            values = pl.Series(values, dtype=pl.Float32).to_list() if dtype == pl.Float32 else values
        return _in(self.read(node.operand), values)

    def _call(self, node: Call) -> pl.Expr:
        name, first = node.function, node.arguments[0]
        if name in ("abs", "floor"):
            value = self.number(first)
            return value.abs() if name == "abs" else value.floor()
        if name in ("min", "max", "coalesce"):
            return self._of_several(name, [self.expression(argument) for argument in node.arguments])
        value = self.expression(first)
        if name in ("length", "lower", "upper"):
            return {"length": value.str.len_chars, "lower": value.str.to_lowercase, "upper": value.str.to_uppercase}[
                name
            ]()
        if name == "days":
            span = value - self.expression(node.arguments[1])
            return span.dt.total_microseconds().cast(pl.Float64) / DAY
        parts = {"year": value.dt.year, "month": value.dt.month, "day": value.dt.day, "weekday": value.dt.weekday}
        return parts[name]()

    def _of_several(self, name: str, values: list[pl.Expr]) -> pl.Expr:
        if name == "coalesce":
            return pl.coalesce(values)
        found = pl.min_horizontal(values) if name == "min" else pl.max_horizontal(values)
        return pl.when(pl.all_horizontal([value.is_not_null() for value in values])).then(found)


def _in(value: pl.Expr, allowed: list[Any]) -> pl.Expr:
    """Say whether a value is one of a few; a missing one is unknown."""
    if 0 < len(allowed) <= FEW and isinstance(allowed[0], str):  # a third of the cost of is_in for text
        same: list[pl.Expr] = [value == one for one in allowed]
        return reduce(lambda a, b: a | b, same)
    return value.is_in(allowed) if allowed else pl.when(value.is_not_null()).then(False)


def _codes(values: tuple[Scalar, ...], dtype: pl.DataType) -> list[Any] | None:
    """Give the codes of a category as the numbers that are stored: text of a million rows is dear.

    Text that no whole number is written as is left out: a column of whole numbers never has it.

    :return: None when they have to be compared as text.
    """
    texts = [str(value) for value in values]
    codes = [int(text) for text in texts if re.fullmatch(r"0|-?[1-9][0-9]{0,14}", text)]
    if dtype.is_integer():
        return None if any(len(text) > 15 for text in texts) else codes
    return [float(code) for code in codes] if dtype.is_float() and len(codes) == len(texts) else None


def _text(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read text; codes with missing values arrive as floats, and 1.0 is the code 1."""
    if not dtype.is_float():
        return raw.cast(pl.String) if dtype != pl.String else raw
    value = raw.fill_nan(None)
    is_code = (value == value.round()) & (value.abs() < 2.0**53)
    return pl.when(is_code).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(value.cast(pl.String))


def _moment(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
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


def shown(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Give rows as Python values, to be shown; moments that Python has no value for become text."""
    try:
        return rows.to_dicts()
    except (ValueError, OverflowError):
        return rows.with_columns(cs.temporal().cast(pl.String)).to_dicts()


def check_patterns(rules: Iterable[Rule], contract: str) -> None:
    """Try patterns on nothing: Polars' regular expressions are fewer than Python's (no look-around).

    :param rules: the rules.
    :param contract: the contract's name, for the error.
    :raises BadInput: when one cannot be used.
    """
    for rule in rules:
        for pattern in _patterns(rule.broken):
            try:
                pl.Series([""]).str.contains(whole(pattern))
            except pl.exceptions.PolarsError as error:
                place = f"columns.{rule.where}.pattern" if rule.name == "pattern" else f"the check {rule.name!r}"
                raise BadInput(
                    f"the pattern {pattern!r} cannot be used: {str(error).splitlines()[-1]}",
                    where=f"contract {contract}, {place}",
                    mend="write it without look-around and back-references (Rust's regex syntax)",
                ) from None


def _patterns(node: Node) -> Iterator[str]:
    if isinstance(node, Matches):
        yield node.pattern
    for child in children(node):
        yield from _patterns(child)
