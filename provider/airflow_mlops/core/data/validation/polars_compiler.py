"""Compiler of row conditions to Polars expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

import polars as pl
import polars.selectors as cs

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.extensions import third_party_errors
from airflow_mlops.core.data.contracts.column_rules import TIME_TYPES
from airflow_mlops.core.data.contracts.expression import (
    VALUE_TYPES,
    And,
    BinaryOperation,
    CheckViolation,
    ColumnRef,
    Comparison,
    Constant,
    FunctionCall,
    IfElse,
    IsFinite,
    IsIn,
    IsInfinite,
    IsMissing,
    IsNull,
    Modulo,
    Node,
    Not,
    Or,
    RegexMatch,
    Round,
    TypeMismatch,
    patterns_of,
)
from airflow_mlops.core.data.validation.polars_expressions import (
    INFINITY,
    TIMESTAMP_DTYPE,
    divide,
    exact_column,
    floored_remainder,
    horizontal_extremum,
    is_in_list,
    nan_to_null,
    read_text,
    read_timestamp,
    round_half_away,
    to_category_codes,
)
from airflow_mlops.core.data.validation.rules import ColumnStorage, StorageKind, ValidationRule

_MICROSECONDS_PER_DAY = 86_400_000_000.0
_COMPARE: dict[str, Callable[[Any, Any], pl.Expr]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def describe_storage(dtype: pl.DataType) -> ColumnStorage:
    """Return how a Polars column is stored."""
    kind: StorageKind = "other"
    if dtype.is_integer():
        kind = "int"
    elif dtype.is_float():
        kind = "float"
    elif dtype.is_decimal():
        kind = "decimal"
    elif dtype in (pl.String, pl.Categorical, pl.Enum):
        kind = "text"
    else:
        simple: dict[Any, StorageKind] = {pl.Boolean: "bool", pl.Date: "date", pl.Datetime: "datetime", pl.Null: "null"}
        kind = next((name for base, name in simple.items() if dtype == base), kind)
    return ColumnStorage(kind, str(dtype))


def _fullmatch_pattern(pattern: str) -> str:
    """Return a pattern that must match the full text."""
    return rf"^(?:{pattern})\z"


class PolarsCompiler:
    """Compiler of conditions for rows of one schema.

    :param schema: column -> Polars type.
    """

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self.schema = schema
        self.compilers: dict[type[Any], Callable[[Any], pl.Expr]] = {
            Constant: lambda node: pl.lit(node.value),
            ColumnRef: self.compile_column,
            IsMissing: lambda node: ~self._present(node.column),
            TypeMismatch: lambda node: self._misfit(node.column),
            IsInfinite: lambda node: self._infinite(node.column),
            IsFinite: lambda node: self._finite(node.column),
            IsNull: lambda node: self.compile(node.operand).is_null(),
            BinaryOperation: self._compute,
            Modulo: lambda node: floored_remainder(self.compile_number(node.left), self.compile_number(node.right)),
            Round: lambda node: round_half_away(self.compile_number(node.operand), node),
            Comparison: lambda node: self._comparison(node, self.compile),
            IsIn: self._among,
            RegexMatch: lambda node: self.compile(node.operand).str.contains(_fullmatch_pattern(node.pattern)),
            And: self._all,
            Or: lambda node: reduce(lambda a, b: a | b, map(self.compile, node.operands)),
            Not: lambda node: ~self.compile(node.operand),
            IfElse: lambda node: (
                pl.when(self.compile(node.condition))
                .then(self.compile(node.then))
                .otherwise(self.compile(node.otherwise))
            ),
            FunctionCall: self._call,
            CheckViolation: self._contract_check,
        }

    def compile(self, node: Node) -> pl.Expr:
        """Return the expression of a condition, or of a value in it."""
        return self.compilers[type(node)](node)

    def compile_column(self, column: ColumnRef) -> pl.Expr:
        """Read a column as the contract's type; unreadable values and NaN become null."""
        raw, dtype = exact_column(column.name), self.schema[column.name]
        sort = VALUE_TYPES[column.type]
        if dtype == pl.Null:
            types = {"number": pl.Float64(), "text": pl.String(), "bool": pl.Boolean(), "timestamp": TIMESTAMP_DTYPE}
            return raw.cast(types[sort])
        if sort == "text":
            return read_text(raw, dtype)
        if sort == "timestamp":
            return read_timestamp(raw, dtype)
        if dtype.is_decimal():
            return raw.cast(pl.Float64)
        return raw.fill_nan(None) if dtype.is_float() else raw

    def compile_number(self, node: Node) -> pl.Expr:
        """Return a value in double precision."""
        return self.compile(node).cast(pl.Float64)

    def _floating(self, column: ColumnRef) -> bool:
        return self.schema[column.name].is_float()

    def _present(self, column: ColumnRef) -> pl.Expr:
        raw = exact_column(column.name)
        return raw.is_not_null() & raw.is_not_nan().fill_null(False) if self._floating(column) else raw.is_not_null()

    def _infinite(self, column: ColumnRef) -> pl.Expr:
        raw = exact_column(column.name)
        return (raw == INFINITY) | (raw == -INFINITY) if self._floating(column) else pl.lit(False)

    def _finite(self, column: ColumnRef) -> pl.Expr:
        raw = exact_column(column.name)
        # Polars orders NaN above all numbers, so this excludes it; two comparisons are cheaper than is_finite.
        inside = ((raw > -INFINITY) & (raw < INFINITY)).fill_null(False)
        return inside if self._floating(column) else raw.is_not_null()

    def _misfit(self, column: ColumnRef) -> pl.Expr:
        raw, value, dtype = exact_column(column.name), self.compile_column(column), self.schema[column.name]
        if column.type == "int" and dtype.is_float():
            return (raw.is_finite() & (raw != raw.round())).fill_null(False)
        if column.type == "int" and dtype.is_decimal():
            return (value != value.round()).fill_null(False)
        if column.type not in TIME_TYPES:
            return pl.lit(False)
        unreadable = raw.is_not_null() & value.is_null() if dtype == pl.String else pl.lit(False)
        has_time = (value.dt.truncate("1d") != value).fill_null(False) if column.type == "date" else pl.lit(False)
        return unreadable | has_time

    def _all(self, node: And) -> pl.Expr:
        """Join conditions; a column that one part checks for :class:`Finite` needs no separate NaN check."""
        finite = {
            part.column.name for part in node.operands if isinstance(part, IsFinite) and self._floating(part.column)
        }

        def read(part: Node) -> pl.Expr:
            return (
                exact_column(part.name) if isinstance(part, ColumnRef) and part.name in finite else self.compile(part)
            )

        def join(part: Node) -> pl.Expr:
            if isinstance(part, Or):
                return reduce(lambda a, b: a | b, map(join, part.operands))
            return self._comparison(part, read) if isinstance(part, Comparison) else self.compile(part)

        return reduce(lambda a, b: a & b, map(join, node.operands))

    def _comparison(self, node: Comparison, read: Callable[[Node], pl.Expr]) -> pl.Expr:
        return _COMPARE[node.operator](read(node.left), read(node.right))

    def _compute(self, node: BinaryOperation) -> pl.Expr:
        left, right = self.compile_number(node.left), self.compile_number(node.right)
        if node.operator == "+":
            value = left + right
        elif node.operator == "-":
            value = left - right
        elif node.operator == "*":
            value = left * right
        else:
            value = divide(left, right)
        return nan_to_null(value)

    def _among(self, node: IsIn) -> pl.Expr:
        values: list[Any] = list(node.values)
        if not isinstance(node.operand, ColumnRef):
            return self.compile(node.operand).is_in(values)
        raw, dtype = exact_column(node.operand.name), self.schema[node.operand.name]
        if node.operand.type == "category" and (codes := to_category_codes(node.values, dtype)) is not None:
            return is_in_list(raw.fill_nan(None) if dtype.is_float() else raw, codes)
        if VALUE_TYPES[node.operand.type] == "number":
            is_integer = dtype.is_integer()
            values = [int(v) for v in values if v == int(v)] if is_integer else [float(v) for v in values]
            values = pl.Series(values, dtype=pl.Float32).to_list() if dtype == pl.Float32 else values
        return is_in_list(self.compile_column(node.operand), values)

    def _contract_check(self, node: CheckViolation) -> pl.Expr:
        """Return the condition of another package's check, after a trial on no rows.

        :raises BadInput: when the check raises, or does not return a condition for each row.
        """
        column = node.column.name
        what = f"the contract check {node.name!r} of the column {column!r}"
        with third_party_errors(f"{what} failed", BadInput):
            violation = node.check.violates(self.compile_column(node.column), **node.parameters)
            unusable = _describe_unusable(violation, column, self.schema[column])
        if unusable:
            hint = "return a boolean Polars expression with one result per row"
            raise BadInput(f"{what} returned {unusable}", hint=hint)
        return violation

    def _call(self, node: FunctionCall) -> pl.Expr:
        name, first = node.function, node.arguments[0]
        if name in ("abs", "floor"):
            value = self.compile_number(first)
            return value.abs() if name == "abs" else value.floor()
        if name in ("min", "max", "coalesce"):
            values = [self.compile(argument) for argument in node.arguments]
            return pl.coalesce(values) if name == "coalesce" else horizontal_extremum(values, minimum=name == "min")
        value = self.compile(first)
        if name in ("length", "lower", "upper"):
            return {"length": value.str.len_chars, "lower": value.str.to_lowercase, "upper": value.str.to_uppercase}[
                name
            ]()
        if name == "days":
            span = value - self.compile(node.arguments[1])
            return divide(span.dt.total_microseconds().cast(pl.Float64), pl.lit(_MICROSECONDS_PER_DAY))
        parts = {"year": value.dt.year, "month": value.dt.month, "day": value.dt.day, "weekday": value.dt.weekday}
        return parts[name]()


def _describe_unusable(violation: Any, column: str, dtype: pl.DataType) -> str | None:
    """Try a contract check's result on no rows; return what it is when it is not a condition for each row."""
    if not isinstance(violation, pl.Expr):
        return f"an object of type {type(violation).__name__}"
    result = pl.DataFrame(schema={column: dtype}).select(violation)
    if result.height:
        return "one value for all rows"
    return None if result.dtypes[0] in (pl.Boolean, pl.Null) else f"values of type {result.dtypes[0]}"


def to_python_rows(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Convert rows to Python values; times outside of Python's range become text."""
    try:
        return rows.to_dicts()
    except (ValueError, OverflowError):
        return rows.with_columns(cs.temporal().cast(pl.String)).to_dicts()


def check_patterns(rules: Iterable[ValidationRule], contract: str) -> None:
    """Run patterns on an empty text: Polars does not support all of Python's syntax (no look-around).

    :param rules: the rules.
    :param contract: the contract's name, for the error.
    :raises BadInput: when a pattern is not supported.
    """
    for rule in rules:
        for pattern in patterns_of(rule.violation):
            try:
                pl.Series([""]).str.contains(_fullmatch_pattern(pattern))
            except pl.exceptions.PolarsError as error:
                key = f"columns.{rule.where}.pattern" if rule.name == "pattern" else f"the check {rule.name!r}"
                raise BadInput(
                    f"the pattern {pattern!r} is not supported: {str(error).splitlines()[-1]}",
                    where=f"contract {contract}, {key}",
                    hint="write it without look-around and back-references (Rust's regex syntax)",
                ) from None
