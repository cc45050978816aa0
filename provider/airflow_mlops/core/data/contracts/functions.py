"""The functions that a rule may use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_mlops.core.data.contracts.expression import Sort


@dataclass(frozen=True, slots=True)
class Known:
    """A function that a rule may use.

    :param usage: how it is written, and what it gives, for people.
    :param takes: the sort of its arguments; None when they only have to be alike.
    :param gives: the sort of its value; None when it is that of the arguments.
    :param least: the least number of arguments.
    :param most: the greatest number of arguments.
    """

    usage: str
    takes: Sort | None
    gives: Sort | None
    least: int = 1
    most: int = 1


FUNCTIONS = {
    "abs": Known("abs(x)", "number", "number"),
    "floor": Known("floor(x)", "number", "number"),
    "ceil": Known("ceil(x)", "number", "number"),
    "round": Known("round(x) or round(x, places), halves away from zero", "number", "number", 1, 2),
    "min": Known("min(a, b, ...), missing where one is missing", None, None, 2, 50),
    "max": Known("max(a, b, ...), missing where one is missing", None, None, 2, 50),
    "coalesce": Known("coalesce(a, b, ...), the first that is not missing", None, None, 2, 50),
    "length": Known("length(text), in characters", "text", "number"),
    "lower": Known("lower(text)", "text", "text"),
    "upper": Known("upper(text)", "text", "text"),
    "matches": Known("matches(text, 'pattern'), the whole text", "text", "bool", 2, 2),
    "year": Known("year(moment)", "moment", "number"),
    "month": Known("month(moment)", "moment", "number"),
    "day": Known("day(moment)", "moment", "number"),
    "weekday": Known("weekday(moment), Monday is 1", "moment", "number"),
    "days": Known("days(later, earlier), with fractions", "moment", "number", 2, 2),
    "date": Known("date('2024-01-31') or date('2024-01-31T12:00')", "text", "moment"),
    "col": Known("col('first name'), a column whose name is no word", "text", None),
}


def checked_pattern(pattern: str) -> str | None:
    """Say what is wrong with a regular expression, if anything is."""
    try:
        re.compile(pattern)
    except re.error as error:
        return f"is not a regular expression: {error}"
    return None
