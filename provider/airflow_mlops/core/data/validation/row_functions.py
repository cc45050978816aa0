"""Functions of a row's numbers in plain Python, for a database that can be given some (SQLite).

In SQL they would be subqueries in each other, and SQLite's parser ends at some depth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from airflow_mlops.core.data.contracts.expression import WHOLE, Constant, Rounded


def remainder(left: float | None, right: float | None) -> float | None:
    """Give what whole steps leave (:class:`~.expression.Remainder`); None is missing."""
    if left is None or not right or math.isinf(left) or math.isinf(right):
        return None
    quotient = _whole_quotient(left, right)
    if quotient is None:
        return None
    rest = left - right * quotient
    if rest and (rest < 0) != (right < 0):
        return rest + right
    return rest - right if abs(rest) >= abs(right) else rest


def _whole_quotient(left: float, right: float) -> float | None:
    size, step = abs(left), abs(right)
    if size < step:
        return -1.0 if left and (left < 0) != (right < 0) else 0.0
    near = size / WHOLE < step if size >= 1 else step * WHOLE > size
    return float(math.floor(left / right)) if near else None


def rounded(value: float | None, places: int) -> float | None:
    """Round a number (:class:`~.expression.Rounded`); None is missing."""
    asked = Rounded(Constant(0), places)
    if value is None or abs(value) >= asked.limit:
        return value
    units = abs(value) * asked.scale
    whole = math.floor(units)
    return math.copysign((whole + (units - whole >= 0.5)) / asked.scale, value)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {"mlops_remainder": remainder, "mlops_rounded": rounded}
