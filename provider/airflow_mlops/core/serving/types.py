"""Types of request values: conversion of JSON values to a typed column, or the problem with them.

A type is never guessed: text that looks like a number is text. ``1.0`` is an integer, ``true`` is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from airflow_mlops.core.data.contracts.column_rules import ColumnRule
from airflow_mlops.core.data.contracts.expression import parse_iso_timestamp
from airflow_mlops.core.serving.errors import RequestProblem, preview

_MAX_EXACT_FLOAT = 2**53
_INT64_END = 2**63
_TYPE_NAMES = {
    "int": "an integer",
    "float": "a number",
    "str": "text",
    "category": "text, or an integer",
    "bool": "true or false",
    "date": "a date such as 2026-04-06",
    "datetime": "a timestamp such as 2026-04-06T14:00:00Z",
}


def parse_column(
    name: str, values: Sequence[Any], rule: ColumnRule, max_text_length: int
) -> pl.Series | RequestProblem:
    """Return a column with the type of the contract, or the problem with its values.

    :param name: the column.
    :param values: the JSON values, ``None`` for a missing one.
    :param rule: the column's rules.
    :param max_text_length: the maximum number of characters of a text, where the rules do not set one.
    """
    type_name = rule.type
    if type_name == "category":
        type_name = "int" if _is_int_category(values, rule) else "str"
    is_valid, dtype = _CHECKS[type_name]
    types = {type(value) for value in values}
    if not types <= _UNCHECKED_TYPES[type_name]:
        invalid = [row for row, value in enumerate(values) if value is not None and not is_valid(value)]
        if invalid:
            return _make_problem(
                name, "type", invalid, values, _TYPE_NAMES[rule.type], f"send {_TYPE_NAMES[rule.type]}"
            )
    if str in types and (problem := _text_problem(name, values, rule, max_text_length)) is not None:
        return problem
    if type_name in ("date", "datetime"):
        return pl.Series(name, [None if v is None else parse_iso_timestamp(v) for v in values], dtype=dtype)
    if type_name == "int":
        return pl.Series(name, [None if v is None else int(v) for v in values], dtype=dtype)
    return pl.Series(name, [_to_float(v) for v in values] if int in types else values, dtype=dtype)


def _to_float(value: Any) -> Any:
    """Convert a number to a float; one beyond its range becomes infinite, which a rule of its own rejects."""
    if value is None:
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _is_int(value: Any) -> bool:
    if type(value) is int:
        return -_INT64_END <= value < _INT64_END
    return type(value) is float and value.is_integer() and abs(value) < _MAX_EXACT_FLOAT


def _is_int_category(values: Sequence[Any], rule: ColumnRule) -> bool:
    """Check whether a category uses integer codes, by its set of values or else by the values sent."""
    codes = rule.values if rule.values else [value for value in values if value is not None]
    return bool(codes) and all(type(value) is int for value in codes)


def _text_problem(name: str, values: Sequence[Any], rule: ColumnRule, max_length: int) -> RequestProblem | None:
    """Check text for excessive length, lone surrogates and NUL."""
    limit = rule.max_length if rule.max_length is not None else max_length
    too_long = [row for row, value in enumerate(values) if isinstance(value, str) and len(value) > limit]
    if too_long:
        observed = f"{len(values[too_long[0]])} characters"
        return RequestProblem(
            name, "max_length", tuple(too_long[:5]), len(too_long), limit, observed, f"send at most {limit} characters"
        )
    unstorable = [row for row, value in enumerate(values) if isinstance(value, str) and not _is_storable(value)]
    if unstorable:
        return _make_problem(
            name, "text", unstorable, values, "valid Unicode text", "send no lone surrogates and no U+0000"
        )
    return None


def _is_storable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _make_problem(
    name: str, rule: str, rows: Sequence[int], values: Sequence[Any], expected: str, hint: str
) -> RequestProblem:
    return RequestProblem(name, rule, tuple(rows[:5]), len(rows), expected, preview(values[rows[0]]), hint)


_NONE_TYPE = type(None)
_CHECKS: dict[str, tuple[Callable[[Any], bool], Any]] = {
    "int": (_is_int, pl.Int64()),
    "float": (lambda value: type(value) in (int, float), pl.Float64()),
    "str": (lambda value: type(value) is str, pl.String()),
    "bool": (lambda value: type(value) is bool, pl.Boolean()),
    "date": (lambda value: type(value) is str and parse_iso_timestamp(value) is not None, pl.Datetime("us", "UTC")),
    "datetime": (lambda value: type(value) is str and parse_iso_timestamp(value) is not None, pl.Datetime("us", "UTC")),
}
# Python types whose values are always valid and need no check.
_UNCHECKED_TYPES: dict[str, set[type]] = {
    "int": {_NONE_TYPE},
    "float": {int, float, _NONE_TYPE},
    "str": {str, _NONE_TYPE},
    "bool": {bool, _NONE_TYPE},
    "date": {_NONE_TYPE},
    "datetime": {_NONE_TYPE},
}
