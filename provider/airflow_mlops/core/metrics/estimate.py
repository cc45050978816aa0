"""A figure with its standard error, and what that error itself is worth.

The error is estimated, so the figure over its error has Student's distribution, not the normal one. Its degrees of
freedom are Satterthwaite's (1946), from how unequally the parts matter: 2 k / (kurtosis - 1) of k parts. Where all
rests on five rows that differ, or on few positives, that is a handful, however many rows there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from airflow_mlops.core.metrics import student
from airflow_mlops.core.metrics.metric import Array

_ROUNDING = 1e-9  # parts of a figure's size: less than that is no difference


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and how sure it is.

    :param value: the figure; NaN where it is not defined.
    :param error: its standard error; NaN where it cannot be said.
    :param freedom: the degrees of freedom of the error.
    """

    value: float
    error: float
    freedom: float

    @classmethod
    def of(cls, value: float, parts: Array) -> Estimate:
        """Make the estimate of a figure that is, but for a constant, a sum over independent parts.

        :param value: the figure.
        :param parts: what each of k parts adds to it.
        """
        away, k = parts - parts.mean() if len(parts) else parts, len(parts)
        if k < 2 or not math.isfinite(value) or not np.isfinite(away).all():
            return cls(value, math.nan, math.nan)
        squares = away * away
        spread = float(squares.mean())
        if spread <= (_ROUNDING**2 * max(1.0, abs(value)) / k) ** 2:
            return cls(value, 0.0, k - 1.0)
        kurtosis = float((squares * squares).mean()) / spread**2
        satterthwaite = 2 * k / (kurtosis - 1) if kurtosis > 1 else math.inf
        return cls(value, k * math.sqrt(spread / (k - 1)), max(1.0, min(k - 1.0, satterthwaite)))

    @property
    def known(self) -> bool:
        """Whether there are a value and an error."""
        return math.isfinite(self.value) and math.isfinite(self.error)

    def bounds(self, confidence: float) -> tuple[float, float]:
        """Give the one-sided lower and the one-sided upper bound; NaN where they cannot be said."""
        if not self.known:
            return math.nan, math.nan
        if self.error == 0:
            return self.value, self.value
        reach = student.quantile(confidence, self.freedom) * self.error
        return self.value - reach, self.value + reach

    def chance_below(self, mark: float) -> float:
        """Give the one-sided p-value of a true figure at or above ``mark``: small when this one is surely below."""
        if not self.known:
            return math.nan
        if self.error == 0:
            return 0.0 if self.value < mark - _ROUNDING * max(1.0, abs(mark)) else 1.0
        return student.tail((mark - self.value) / self.error, self.freedom)
