# ruff: noqa: S608 - the parts are compiled from the tree; what people wrote in it is bound
"""Conditions on a row as SQL expressions, with the meaning that they have for files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from airflow_mlops.core.data.contracts.columns import TIMES
from airflow_mlops.core.data.contracts.expression import (
    SORTS,
    WHOLE,
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
    Scalar,
)
from airflow_mlops.core.data.sql.dialect import Dialect
from airflow_mlops.core.data.sql.sqlite import Sqlite

_COMPARE = {"==": "=", "!=": "<>"}


class SqlRules:
    """Compiles conditions for rows of one schema.

    Values that people wrote are bound, never part of the text. In PostgreSQL a computation with ``+ - * /`` whose
    result is too large for a float, or too near to 0, is an error, where a file has infinity, or 0. SQLite has to be
    given :data:`~.row_functions.FUNCTIONS`.

    :param dialect: the database's.
    :param schema: column -> the Polars type that it would have in a file.
    :param quoted: how a column's name is written.
    """

    def __init__(self, dialect: Dialect, schema: Mapping[str, pl.DataType], quoted: Callable[[str], str]) -> None:
        self.dialect, self.schema, self.quoted = dialect, schema, quoted
        self.has_functions = isinstance(dialect, Sqlite)
        self.bound: dict[str, Any] = {}
        self.forms: dict[type[Any], Callable[[Any], str]] = {
            Constant: lambda node: self._constant(node.value),
            Column: self.read,
            Missing: lambda node: self.missing(node.column.name),
            Misfit: lambda node: self._misfit(node.column),
            Infinite: lambda node: self._infinite(node.column),
            Finite: lambda node: self._finite(node.column),
            IsNull: lambda node: f"({self.expression(node.operand)} IS NULL)",
            Compute: self._compute,
            Remainder: self._remainder,
            Rounded: self._rounded,
            Compare: self._compare,
            Among: self._among,
            Matches: self._matches,
            All: lambda node: "(" + " AND ".join(map(self.expression, node.parts)) + ")",
            AnyOf: lambda node: "(" + " OR ".join(map(self.expression, node.parts)) + ")",
            Not: lambda node: f"(NOT {self.expression(node.part)})",
            Choose: lambda node: (
                f"CASE WHEN {self.expression(node.condition)} THEN {self.expression(node.then)}"
                f" ELSE {self.expression(node.otherwise)} END"
            ),
            Call: self._call,
        }

    def expression(self, node: Node) -> str:
        """Give the expression of a condition, or of a value in it."""
        return self.forms[type(node)](node)

    def read(self, column: Column) -> str:
        """Read a column as the contract's type; what cannot be read, and NaN, is null."""
        raw, dtype = self.quoted(column.name), self.schema[column.name]
        sort = SORTS[column.type]
        if sort == "text":
            return f"({self.dialect.name(raw, dtype)})"
        if sort == "moment":
            return f"({self.dialect.moment(raw, dtype)})"
        if dtype.is_decimal():
            raw = f"CAST({raw} AS double precision)"
        return self.dialect.without_nan(raw) if sort == "number" and not dtype.is_integer() else raw

    def number(self, node: Node) -> str:
        """Give a value in double precision."""
        if isinstance(node, (Compute, Remainder, Rounded)):
            return self.expression(node)
        return f"CAST({self.expression(node)} AS double precision)"

    def missing(self, name: str) -> str:
        """Say where a column has no value."""
        return self.dialect.missing(self.quoted(name), self.schema[name])

    def bind(self, value: Any) -> str:
        """Bind a value."""
        name = f"value{len(self.bound)}"
        self.bound[name] = value
        return f":{name}"

    def _constant(self, value: Scalar) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, datetime):
            return self.dialect.as_moment(self.bind(self.dialect.bound_moment(value)))
        if isinstance(value, str):
            return f"CAST({self.bind(value)} AS text)"
        return f"CAST({self.bind(value)} AS {'bigint' if isinstance(value, int) else 'double precision'})"

    def _finite(self, column: Column) -> str:
        raw, floating = self.quoted(column.name), self.schema[column.name].is_float()
        return f"coalesce({self.dialect.finite(raw)}, false)" if floating else f"({raw} IS NOT NULL)"

    def _infinite(self, column: Column) -> str:
        if not self.schema[column.name].is_float():
            return "false"
        return f"(NOT {self.missing(column.name)} AND NOT {self.dialect.finite(self.quoted(column.name))})"

    def _misfit(self, column: Column) -> str:
        raw, value, dtype = self.quoted(column.name), self.read(column), self.schema[column.name]
        if column.type == "int" and (dtype.is_float() or dtype.is_decimal()):
            return f"coalesce({self._finite(column)} AND {value} <> round({value}), false)"
        if column.type not in TIMES:
            return "false"
        unread = f"({raw} IS NOT NULL AND {value} IS NULL)" if dtype == pl.String else "false"
        timed = f"coalesce({self.dialect.has_time(value)}, false)" if column.type == "date" else "false"
        return f"({unread} OR {timed})"

    def _compare(self, node: Compare) -> str:
        operator = _COMPARE.get(node.operator, node.operator)
        return f"({self.expression(node.left)} {operator} {self.expression(node.right)})"

    def _compute(self, node: Compute) -> str:
        left, right = self.number(node.left), self.number(node.right)
        if node.operator == "/":
            right = f"nullif({right}, 0)"
        return self.dialect.without_nan(f"({left} {node.operator} {right})")

    def _given(self, **values: Node) -> str:
        """Give numbers as columns of one row, so that each is written once however often it is used.

        The fence keeps the planner from copying them back to where they are used.
        """
        listed = ", ".join(f"{self.number(node)} AS {name}" for name, node in values.items())
        return f"(SELECT {listed} {self.dialect.fence}) AS given"

    def _remainder(self, node: Remainder) -> str:
        """Give what whole steps leave, as it is for files; no branch overflows or underflows.

        A subquery without a row, where nothing is known, is null.
        """
        if self.has_functions:
            return f"mlops_remainder({self.number(node.left)}, {self.number(node.right)})"
        floor, finite = self.dialect.floor("a / b"), self.dialect.finite
        across = "a <> 0 AND (a < 0) <> (b < 0)"
        near = (
            f"CASE WHEN abs(a) >= 1 THEN abs(a) / {_double(WHOLE)} < abs(b) ELSE abs(b) * {_double(WHOLE)} > abs(a) END"
        )
        quotient = (
            f"CASE WHEN abs(a) < abs(b) THEN CASE WHEN {across} THEN {_double(-1.0)} ELSE {_double(0.0)} END"
            f" WHEN {near} THEN {floor} END"
        )
        whole = f"(SELECT a, b, {quotient} AS q FROM {self._given(a=node.left, b=node.right)}"
        whole += f" WHERE b <> 0 AND {finite('a')} AND {finite('b')}) AS divided"
        rest = f"(SELECT b, a - b * q AS r FROM {whole}) AS subtracted"
        inside = "CASE WHEN r <> 0 AND (r < 0) <> (b < 0) THEN r + b WHEN abs(r) >= abs(b) THEN r - b ELSE r END"
        return f"(SELECT {inside} FROM {rest})"

    def _rounded(self, node: Rounded) -> str:
        """Round as for files."""
        if self.has_functions:
            return f"mlops_rounded({self.number(node.operand)}, {node.places})"
        floor, scale = self.dialect.floor("u"), _double(node.scale)
        units = f"CASE WHEN abs(a) < {_double(node.limit)} THEN abs(a) * {scale} END"
        size = f"({floor} + CASE WHEN u - {floor} >= 0.5 THEN 1 ELSE 0 END) / {scale}"
        near = f"CASE WHEN u IS NULL THEN a WHEN a < 0 THEN -({size}) ELSE {size} END"
        return f"(SELECT {near} FROM (SELECT a, {units} AS u FROM {self._given(a=node.operand)}) AS scaled)"

    def _among(self, node: Among) -> str:
        operand = self.expression(node.operand)
        if not node.values:
            return f"CASE WHEN {operand} IS NOT NULL THEN false END"
        return f"({operand} IN ({', '.join(map(self._constant, node.values))}))"

    def _matches(self, node: Matches) -> str:
        return f"({self.dialect.matches(self.expression(node.operand), self.bind(self.dialect.pattern(node.pattern)))})"

    def _call(self, node: Call) -> str:
        name, first = node.function, node.arguments[0]
        if name in ("abs", "floor"):
            value = self.number(first)
            return f"abs({value})" if name == "abs" else self.dialect.floor(value)
        if name in ("min", "max"):
            return self.dialect.of_several(name == "min", [self.expression(one) for one in node.arguments])
        if name == "coalesce":
            return f"coalesce({', '.join(self.expression(one) for one in node.arguments)})"
        value = self.expression(first)
        if name == "length":
            return f"length({value})"
        if name in ("lower", "upper"):
            return f"({self.dialect.cased(name == 'upper', value)})"
        if name == "days":
            return f"({self.dialect.days_between(value, self.expression(node.arguments[1]))})"
        return self.dialect.part(name, value)


def _double(value: float) -> str:
    return f"CAST({value!r} AS double precision)"
