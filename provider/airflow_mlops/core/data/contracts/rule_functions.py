"""Functions available in contract rules."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_mlops.core.data.contracts.expression import ValueType


@dataclass(frozen=True, slots=True)
class RuleFunction:
    """Signature of a function available in rules.

    :param usage: signature and short description, for messages.
    :param argument_type: the type of its arguments; None for any type that all arguments share.
    :param return_type: the type of its result; None for the type of the arguments.
    :param min_arguments: the minimum number of arguments.
    :param max_arguments: the maximum number of arguments.
    """

    usage: str
    argument_type: ValueType | None
    return_type: ValueType | None
    min_arguments: int = 1
    max_arguments: int = 1


RULE_FUNCTIONS = {
    "abs": RuleFunction("abs(x)", "number", "number"),
    "floor": RuleFunction("floor(x)", "number", "number"),
    "ceil": RuleFunction("ceil(x)", "number", "number"),
    "round": RuleFunction("round(x) or round(x, places), halves away from zero", "number", "number", 1, 2),
    "min": RuleFunction("min(a, b, ...), missing where one is missing", None, None, 2, 50),
    "max": RuleFunction("max(a, b, ...), missing where one is missing", None, None, 2, 50),
    "coalesce": RuleFunction("coalesce(a, b, ...), the first that is not missing", None, None, 2, 50),
    "length": RuleFunction("length(text), in characters", "text", "number"),
    "lower": RuleFunction("lower(text)", "text", "text"),
    "upper": RuleFunction("upper(text)", "text", "text"),
    "matches": RuleFunction("matches(text, 'pattern'), the full text", "text", "bool", 2, 2),
    "year": RuleFunction("year(timestamp)", "timestamp", "number"),
    "month": RuleFunction("month(timestamp)", "timestamp", "number"),
    "day": RuleFunction("day(timestamp)", "timestamp", "number"),
    "weekday": RuleFunction("weekday(timestamp), Monday is 1", "timestamp", "number"),
    "days": RuleFunction("days(later, earlier), with fractions", "timestamp", "number", 2, 2),
    "date": RuleFunction("date('2024-01-31') or date('2024-01-31T12:00')", "text", "timestamp"),
    "col": RuleFunction("col('first name'), for names that are not identifiers", "text", None),
}


def find_pattern_error(pattern: str) -> str | None:
    """Return the error of a regular expression; None when it is valid."""
    try:
        re.compile(pattern)
    except re.error as error:
        return f"is not a regular expression: {error}"
    return None
