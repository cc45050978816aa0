"""Plain values of JSON as a typed column, or what is wrong with them.

A type is never guessed: text that looks like a number is text. ``1.0`` is a whole number, ``true`` is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from airflow_mlops.core.data.contracts.columns import ColumnRule
from airflow_mlops.core.data.contracts.expression import moment_from_text
from airflow_mlops.core.serving.refusals import Problem, shown

WHOLE = 2**53
LARGEST = 2**63
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "category": "text, or a whole number",
    "bool": "true or false",
    "date": "a date such as 2026-04-06",
    "datetime": "a moment such as 2026-04-06T14:00:00Z",
}


def typed(name: str, values: Sequence[Any], rule: ColumnRule, most_text: int) -> pl.Series | Problem:
    """Give a column in the type that the contract says, or what stands against it.

    :param name: the column.
    :param values: what JSON gave, ``None`` for what is missing.
    :param rule: the column's rules.
    :param most_text: the most characters of a text, where the rules do not say.
    """
    wanted = rule.type
    if wanted == "category":
        wanted = "int" if _codes(values, rule) else "str"
    fits, dtype = _FITS[wanted]
    kinds = {type(value) for value in values}
    if not kinds <= _SURE[wanted]:
        wrong = [row for row, value in enumerate(values) if value is not None and not fits(value)]
        if wrong:
            return _problem(name, "type", wrong, values, _WORDS[rule.type], f"send {_WORDS[rule.type]}")
    if str in kinds and (told := _text(name, values, rule, most_text)) is not None:
        return told
    if wanted in ("date", "datetime"):
        return pl.Series(name, [None if v is None else moment_from_text(v) for v in values], dtype=dtype)
    if wanted == "int":
        return pl.Series(name, [None if v is None else int(v) for v in values], dtype=dtype)
    return pl.Series(name, [_float(v) for v in values] if int in kinds else values, dtype=dtype)


def _float(value: Any) -> Any:
    """Give a number as a double; one that none holds is infinite, which a rule of its own refuses."""
    if value is None:
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _is_whole(value: Any) -> bool:
    if type(value) is int:
        return -LARGEST <= value < LARGEST
    return type(value) is float and value.is_integer() and abs(value) < WHOLE


def _codes(values: Sequence[Any], rule: ColumnRule) -> bool:
    """Tell whether a category is kept as whole numbers: its set says so, or else what came."""
    known = rule.values if rule.values else [value for value in values if value is not None]
    return bool(known) and all(type(value) is int for value in known)


def _text(name: str, values: Sequence[Any], rule: ColumnRule, most: int) -> Problem | None:
    """Look at what text can have that nobody can keep: too much of it, half characters, NUL."""
    limit = rule.max_length if rule.max_length is not None else most
    long = [row for row, value in enumerate(values) if isinstance(value, str) and len(value) > limit]
    if long:
        observed = f"{len(values[long[0]])} characters"
        return Problem(
            name, "max_length", tuple(long[:5]), len(long), limit, observed, f"send at most {limit} characters"
        )
    odd = [row for row, value in enumerate(values) if isinstance(value, str) and not _storable(value)]
    if odd:
        return _problem(name, "text", odd, values, "text in Unicode", "send no half surrogate pairs, and no U+0000")
    return None


def _storable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _problem(name: str, rule: str, rows: Sequence[int], values: Sequence[Any], expected: str, mend: str) -> Problem:
    return Problem(name, rule, tuple(rows[:5]), len(rows), expected, shown(values[rows[0]]), mend)


_NONE = type(None)
_FITS: dict[str, tuple[Callable[[Any], bool], Any]] = {
    "int": (_is_whole, pl.Int64()),
    "float": (lambda value: type(value) in (int, float), pl.Float64()),
    "str": (lambda value: type(value) is str, pl.String()),
    "bool": (lambda value: type(value) is bool, pl.Boolean()),
    "date": (lambda value: type(value) is str and moment_from_text(value) is not None, pl.Datetime("us", "UTC")),
    "datetime": (lambda value: type(value) is str and moment_from_text(value) is not None, pl.Datetime("us", "UTC")),
}
# Python types of which every value fits, so that none has to be looked at.
_SURE: dict[str, set[type]] = {
    "int": {_NONE},
    "float": {int, float, _NONE},
    "str": {str, _NONE},
    "bool": {bool, _NONE},
    "date": {_NONE},
    "datetime": {_NONE},
}
