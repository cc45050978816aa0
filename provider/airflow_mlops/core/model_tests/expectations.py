"""Expected ranges of scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

from airflow_mlops.common.errors import BadInput


@dataclass(frozen=True, slots=True)
class Expected:
    """A closed range of scores.

    :param low: minimum.
    :param high: maximum.
    """

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low <= self.high:  # true for NaN, too
            raise BadInput(f"no score is between {self.low} and {self.high}", hint="use between(low, high)")

    def __contains__(self, score: float) -> bool:
        return self.low <= score <= self.high

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"at least {self.low:g}"
        return f"at most {self.high:g}" if math.isinf(self.low) else f"between {self.low:g} and {self.high:g}"


def between(low: float, high: float) -> Expected:
    """Expect a score from ``low`` to ``high``."""
    return Expected(low, high)


def at_least(low: float) -> Expected:
    """Expect a score of ``low`` or more."""
    return Expected(low=low)


def at_most(high: float) -> Expected:
    """Expect a score of ``high`` or less."""
    return Expected(high=high)


def about(value: float, tolerance: float) -> Expected:
    """Expect a score at most ``tolerance`` away from ``value``."""
    return Expected(value - tolerance, value + tolerance)
