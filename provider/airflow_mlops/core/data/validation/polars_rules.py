"""Conditions on a row as Polars expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

import polars as pl
import polars.selectors as cs

from airflow_mlops.core.data.contracts.columns import TIMES
from airflow_mlops.core.data.contracts.expression import (
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
    Remainder,
    Rounded,
    patterns_of,
)
from airflow_mlops.core.data.validation.polars_values import (
    INFINITY,
    MOMENT,
    among,
    as_codes,
    as_moment,
    as_text,
    divided,
    extreme,
    named,
    remainder,
    rounded,
    without_nan,
)
from airflow_mlops.core.data.validation.rules import Rule, Storage, Stored
from airflow_mlops.core.errors import BadInput

DAY = 86_400_000_000.0  # microseconds
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
            Remainder: lambda node: remainder(self.number(node.left), self.number(node.right)),
            Rounded: lambda node: rounded(self.number(node.operand), node),
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
        raw, dtype = named(column.name), self.schema[column.name]
        sort = SORTS[column.type]
        if dtype == pl.Null:
            return raw.cast({"number": pl.Float64(), "text": pl.String(), "bool": pl.Boolean(), "moment": MOMENT}[sort])
        if sort == "text":
            return as_text(raw, dtype)
        if sort == "moment":
            return as_moment(raw, dtype)
        if dtype.is_decimal():
            return raw.cast(pl.Float64)
        return raw.fill_nan(None) if dtype.is_float() else raw

    def number(self, node: Node) -> pl.Expr:
        """Give a value in double precision."""
        return self.expression(node).cast(pl.Float64)

    def _floating(self, column: Column) -> bool:
        return self.schema[column.name].is_float()

    def _present(self, column: Column) -> pl.Expr:
        raw = named(column.name)
        return raw.is_not_null() & raw.is_not_nan().fill_null(False) if self._floating(column) else raw.is_not_null()

    def _infinite(self, column: Column) -> pl.Expr:
        raw = named(column.name)
        return (raw == INFINITY) | (raw == -INFINITY) if self._floating(column) else pl.lit(False)

    def _finite(self, column: Column) -> pl.Expr:
        raw = named(column.name)
        # NaN is above all numbers here, so this leaves it out; two comparisons cost less than is_finite.
        inside = ((raw > -INFINITY) & (raw < INFINITY)).fill_null(False)
        return inside if self._floating(column) else raw.is_not_null()

    def _misfit(self, column: Column) -> pl.Expr:
        raw, value, dtype = named(column.name), self.read(column), self.schema[column.name]
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
            return named(part.name) if isinstance(part, Column) and part.name in sure else self.expression(part)

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
            value = divided(left, right)
        return without_nan(value)

    def _among(self, node: Among) -> pl.Expr:
        values: list[Any] = list(node.values)
        if not isinstance(node.operand, Column):
            return self.expression(node.operand).is_in(values)
        raw, dtype = named(node.operand.name), self.schema[node.operand.name]
        if node.operand.type == "category" and (codes := as_codes(node.values, dtype)) is not None:
            return among(raw.fill_nan(None) if dtype.is_float() else raw, codes)
        if SORTS[node.operand.type] == "number":
            is_whole = dtype.is_integer()
            values = [int(v) for v in values if v == int(v)] if is_whole else [float(v) for v in values]
            values = pl.Series(values, dtype=pl.Float32).to_list() if dtype == pl.Float32 else values
        return among(self.read(node.operand), values)

    def _call(self, node: Call) -> pl.Expr:
        name, first = node.function, node.arguments[0]
        if name in ("abs", "floor"):
            value = self.number(first)
            return value.abs() if name == "abs" else value.floor()
        if name in ("min", "max", "coalesce"):
            values = [self.expression(argument) for argument in node.arguments]
            return pl.coalesce(values) if name == "coalesce" else extreme(values, least=name == "min")
        value = self.expression(first)
        if name in ("length", "lower", "upper"):
            return {"length": value.str.len_chars, "lower": value.str.to_lowercase, "upper": value.str.to_uppercase}[
                name
            ]()
        if name == "days":
            span = value - self.expression(node.arguments[1])
            return divided(span.dt.total_microseconds().cast(pl.Float64), pl.lit(DAY))
        parts = {"year": value.dt.year, "month": value.dt.month, "day": value.dt.day, "weekday": value.dt.weekday}
        return parts[name]()


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
        for pattern in patterns_of(rule.broken):
            try:
                pl.Series([""]).str.contains(whole(pattern))
            except pl.exceptions.PolarsError as error:
                place = f"columns.{rule.where}.pattern" if rule.name == "pattern" else f"the check {rule.name!r}"
                raise BadInput(
                    f"the pattern {pattern!r} cannot be used: {str(error).splitlines()[-1]}",
                    where=f"contract {contract}, {place}",
                    mend="write it without look-around and back-references (Rust's regex syntax)",
                ) from None
