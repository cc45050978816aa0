"""Conditions on a row as SQL expressions, with the meaning that they have for files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import polars as pl

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
    Scalar,
)
from airflow_mlops.core.data.sql.dialect import Dialect

_COMPARE = {"==": "=", "!=": "<>"}


class SqlRules:
    """Compiles conditions for rows of one schema.

    Values that people wrote are bound, never part of the text. In PostgreSQL a computation whose result is too large
    for a float is an error, where a file has infinity.

    :param dialect: the database's.
    :param schema: column -> the Polars type that it would have in a file.
    :param quoted: how a column's name is written.
    """

    def __init__(self, dialect: Dialect, schema: Mapping[str, pl.DataType], quoted: Callable[[str], str]) -> None:
        self.dialect, self.schema, self.quoted = dialect, schema, quoted
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
