"""Python functions that are registered in SQLite.

Written in SQL they would be nested subqueries, and SQLite limits the depth of its parser.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from airflow_mlops.core.data.contracts.expression import MAX_EXACT_INTEGER, Constant, Round


def floored_remainder(left: float | None, right: float | None) -> float | None:
    """Return the remainder of a floored division (:class:`~.expression.Remainder`); None is missing."""
    if left is None or not right or math.isinf(left) or math.isinf(right):
        return None
    quotient = _floored_quotient(left, right)
    if quotient is None:
        return None
    rest = left - right * quotient
    if rest and (rest < 0) != (right < 0):
        return rest + right
    return rest - right if abs(rest) >= abs(right) else rest


def _floored_quotient(left: float, right: float) -> float | None:
    size, step = abs(left), abs(right)
    if size < step:
        return -1.0 if left and (left < 0) != (right < 0) else 0.0
    is_exact = size / MAX_EXACT_INTEGER < step if size >= 1 else step * MAX_EXACT_INTEGER > size
    return float(math.floor(left / right)) if is_exact else None


def round_half_away(value: float | None, places: int) -> float | None:
    """Round a number (:class:`~.expression.Rounded`); None is missing."""
    rounding = Round(Constant(0), places)
    if value is None or abs(value) >= rounding.limit:
        return value
    units = abs(value) * rounding.scale
    floor = math.floor(units)
    return math.copysign((floor + (units - floor >= 0.5)) / rounding.scale, value)


SQLITE_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "mlops_remainder": floored_remainder,
    "mlops_rounded": round_half_away,
}
