# ruff: noqa: S608 - the parts are compiled from the tree; literals are bound parameters
"""Compiler of row conditions to SQL expressions, with the same semantics as for files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.extensions import third_party_errors
from airflow_mlops.core.data.contracts.column_rules import TIME_TYPES
from airflow_mlops.core.data.contracts.expression import (
    MAX_EXACT_INTEGER,
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
    Scalar,
    TypeMismatch,
)
from airflow_mlops.core.data.sql.dialect import Dialect

_COMPARE = {"==": "=", "!=": "<>"}


class SqlCompiler:
    """Compiler of conditions for rows of one schema.

    Literals are bound parameters, never part of the SQL text. In PostgreSQL, overflow and underflow of ``+ - * /``
    raise an error, where a file has infinity or 0. A dialect with ``has_functions`` requires
    :data:`~.sqlite_functions.SQLITE_FUNCTIONS`.

    :param dialect: the SQL dialect.
    :param schema: column -> the Polars type that it would have in a file.
    :param quote: function that quotes a column name.
    """

    def __init__(self, dialect: Dialect, schema: Mapping[str, pl.DataType], quote: Callable[[str], str]) -> None:
        self.dialect, self.schema, self.quote = dialect, schema, quote
        self.parameters: dict[str, Any] = {}
        self.compilers: dict[type[Any], Callable[[Any], str]] = {
            Constant: lambda node: self._constant(node.value),
            ColumnRef: self.compile_column,
            IsMissing: lambda node: self.compile_missing(node.column.name),
            TypeMismatch: lambda node: self._misfit(node.column),
            IsInfinite: lambda node: self._infinite(node.column),
            IsFinite: lambda node: self._finite(node.column),
            IsNull: lambda node: f"({self.compile(node.operand)} IS NULL)",
            BinaryOperation: self._compute,
            Modulo: self._remainder,
            Round: self._rounded,
            Comparison: self._compare,
            IsIn: self._among,
            RegexMatch: self._matches,
            And: lambda node: "(" + " AND ".join(map(self.compile, node.operands)) + ")",
            Or: lambda node: "(" + " OR ".join(map(self.compile, node.operands)) + ")",
            Not: lambda node: f"(NOT {self.compile(node.operand)})",
            IfElse: lambda node: (
                f"CASE WHEN {self.compile(node.condition)} THEN {self.compile(node.then)}"
                f" ELSE {self.compile(node.otherwise)} END"
            ),
            FunctionCall: self._call,
            CheckViolation: self._contract_check,
        }

    def compile(self, node: Node) -> str:
        """Return the expression of a condition, or of a value in it."""
        return self.compilers[type(node)](node)

    def compile_column(self, column: ColumnRef) -> str:
        """Read a column as the contract's type; unreadable values and NaN become null."""
        raw, dtype = self.quote(column.name), self.schema[column.name]
        sort = VALUE_TYPES[column.type]
        if sort == "text":
            return f"({self.dialect.to_name(raw, dtype)})"
        if sort == "timestamp":
            return f"({self.dialect.to_timestamp(raw, dtype)})"
        if dtype.is_decimal():
            raw = f"CAST({raw} AS double precision)"
        return self.dialect.nan_to_null(raw) if sort == "number" and not dtype.is_integer() else raw

    def compile_number(self, node: Node) -> str:
        """Return a value in double precision."""
        if isinstance(node, (BinaryOperation, Modulo, Round)):
            return self.compile(node)
        return f"CAST({self.compile(node)} AS double precision)"

    def compile_missing(self, name: str) -> str:
        """Return the condition that a column is missing."""
        return self.dialect.is_missing(self.quote(name), self.schema[name])

    def bind(self, value: Any) -> str:
        """Bind a value; return its placeholder."""
        name = f"value{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"

    def _constant(self, value: Scalar) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, datetime):
            return self.dialect.bound_timestamp(self.bind(self.dialect.bind_timestamp(value)))
        if isinstance(value, str):
            return f"CAST({self.bind(value)} AS text)"
        return f"CAST({self.bind(value)} AS {'bigint' if isinstance(value, int) else 'double precision'})"

    def _finite(self, column: ColumnRef) -> str:
        raw, floating = self.quote(column.name), self.schema[column.name].is_float()
        return f"coalesce({self.dialect.is_finite(raw)}, false)" if floating else f"({raw} IS NOT NULL)"

    def _infinite(self, column: ColumnRef) -> str:
        if not self.schema[column.name].is_float():
            return "false"
        return f"(NOT {self.compile_missing(column.name)} AND NOT {self.dialect.is_finite(self.quote(column.name))})"

    def _misfit(self, column: ColumnRef) -> str:
        raw, value, dtype = self.quote(column.name), self.compile_column(column), self.schema[column.name]
        if column.type == "int" and (dtype.is_float() or dtype.is_decimal()):
            return f"coalesce({self._finite(column)} AND {value} <> round({value}), false)"
        if column.type not in TIME_TYPES:
            return "false"
        unreadable = f"({raw} IS NOT NULL AND {value} IS NULL)" if dtype == pl.String else "false"
        has_time = f"coalesce({self.dialect.is_not_midnight(value)}, false)" if column.type == "date" else "false"
        return f"({unreadable} OR {has_time})"

    def _compare(self, node: Comparison) -> str:
        operator = _COMPARE.get(node.operator, node.operator)
        return f"({self.compile(node.left)} {operator} {self.compile(node.right)})"

    def _compute(self, node: BinaryOperation) -> str:
        left, right = self.compile_number(node.left), self.compile_number(node.right)
        if node.operator == "/":
            right = f"nullif({right}, 0)"
        return self.dialect.nan_to_null(f"({left} {node.operator} {right})")

    def _subquery(self, **values: Node) -> str:
        """Return a subquery of one row with the values as columns, so that each is computed once.

        The fence stops the planner from inlining the values.
        """
        columns = ", ".join(f"{self.compile_number(node)} AS {name}" for name, node in values.items())
        return f"(SELECT {columns} {self.dialect.fence}) AS inputs"

    def _remainder(self, node: Modulo) -> str:
        """Return the remainder of a floored division, as for files; no branch overflows or underflows.

        Where the remainder is undefined, the subquery has no row and is null.
        """
        if self.dialect.has_functions:
            return f"mlops_remainder({self.compile_number(node.left)}, {self.compile_number(node.right)})"
        floor, finite = self.dialect.floor("a / b"), self.dialect.is_finite
        signs_differ = "a <> 0 AND (a < 0) <> (b < 0)"
        limit = _double(MAX_EXACT_INTEGER)
        is_exact = f"CASE WHEN abs(a) >= 1 THEN abs(a) / {limit} < abs(b) ELSE abs(b) * {limit} > abs(a) END"
        quotient = (
            f"CASE WHEN abs(a) < abs(b) THEN CASE WHEN {signs_differ} THEN {_double(-1.0)} ELSE {_double(0.0)} END"
            f" WHEN {is_exact} THEN {floor} END"
        )
        division = f"(SELECT a, b, {quotient} AS q FROM {self._subquery(a=node.left, b=node.right)}"
        division += f" WHERE b <> 0 AND {finite('a')} AND {finite('b')}) AS division"
        rest = f"(SELECT b, a - b * q AS r FROM {division}) AS subtraction"
        corrected = "CASE WHEN r <> 0 AND (r < 0) <> (b < 0) THEN r + b WHEN abs(r) >= abs(b) THEN r - b ELSE r END"
        return f"(SELECT {corrected} FROM {rest})"

    def _rounded(self, node: Round) -> str:
        """Round halves away from zero, as for files."""
        if self.dialect.has_functions:
            return f"mlops_rounded({self.compile_number(node.operand)}, {node.places})"
        floor, scale = self.dialect.floor("u"), _double(node.scale)
        units = f"CASE WHEN abs(a) < {_double(node.limit)} THEN abs(a) * {scale} END"
        size = f"({floor} + CASE WHEN u - {floor} >= 0.5 THEN 1 ELSE 0 END) / {scale}"
        result = f"CASE WHEN u IS NULL THEN a WHEN a < 0 THEN -({size}) ELSE {size} END"
        return f"(SELECT {result} FROM (SELECT a, {units} AS u FROM {self._subquery(a=node.operand)}) AS scaled)"

    def _among(self, node: IsIn) -> str:
        operand = self.compile(node.operand)
        if not node.values:
            return f"CASE WHEN {operand} IS NOT NULL THEN false END"
        return f"({operand} IN ({', '.join(map(self._constant, node.values))}))"

    def _matches(self, node: RegexMatch) -> str:
        return f"({self.dialect.matches(self.compile(node.operand), self.bind(self.dialect.pattern(node.pattern)))})"

    def _contract_check(self, node: CheckViolation) -> str:
        """Return the condition of another package's check, which has ``violates_sql``."""
        check: Any = node.check
        what = f"the contract check {node.name!r} of the column {node.column.name!r}"
        with third_party_errors(f"{what} failed", BadInput):
            violation = check.violates_sql(self.compile_column(node.column), self.dialect, **node.parameters)
        if not isinstance(violation, str):
            raise BadInput(f"{what} returned an object of type {type(violation).__name__}", hint="return SQL text")
        return f"({violation})"

    def _call(self, node: FunctionCall) -> str:
        name, first = node.function, node.arguments[0]
        if name in ("abs", "floor"):
            value = self.compile_number(first)
            return f"abs({value})" if name == "abs" else self.dialect.floor(value)
        if name in ("min", "max"):
            return self.dialect.extreme_of(name == "min", [self.compile(argument) for argument in node.arguments])
        if name == "coalesce":
            return f"coalesce({', '.join(map(self.compile, node.arguments))})"
        value = self.compile(first)
        if name == "length":
            return f"length({value})"
        if name in ("lower", "upper"):
            return f"({self.dialect.change_case(name == 'upper', value)})"
        if name == "days":
            return f"({self.dialect.days_between(value, self.compile(node.arguments[1]))})"
        return self.dialect.date_part(name, value)


def _double(value: float) -> str:
    return f"CAST({value!r} AS double precision)"
