"""Point estimates with standard error and degrees of freedom.

The standard error is itself estimated, so value / error follows Student's t distribution, not the normal one. The
degrees of freedom are Satterthwaite's (1946): 2 k / (kurtosis - 1) for k parts. When the value depends on a few rows
only, such as few positives, they are few, however many rows there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from airflow_mlops.common.statistics import student_t
from airflow_mlops.core.metrics.types import Array

_ROUNDING = 1e-9  # relative to the value; smaller differences are rounding errors


@dataclass(frozen=True, slots=True)
class MetricEstimate:
    """A point estimate with its standard error.

    :param value: the value; NaN when undefined.
    :param standard_error: its standard error; NaN when unknown.
    :param degrees_of_freedom: the degrees of freedom of the error.
    """

    value: float
    standard_error: float
    degrees_of_freedom: float

    @classmethod
    def from_parts(cls, value: float, parts: Array) -> MetricEstimate:
        """Build the estimate of a value that is, up to a constant, a sum over independent parts.

        :param value: the value.
        :param parts: the contribution of each of k parts.
        """
        deviations, k = parts - parts.mean() if len(parts) else parts, len(parts)
        if k < 2 or not math.isfinite(value) or not np.isfinite(deviations).all():
            return cls(value, math.nan, math.nan)
        squares = deviations * deviations
        variance = float(squares.mean())
        if variance <= (_ROUNDING**2 * max(1.0, abs(value)) / k) ** 2:
            return cls(value, 0.0, k - 1.0)
        kurtosis = float((squares * squares).mean()) / variance**2
        satterthwaite = 2 * k / (kurtosis - 1) if kurtosis > 1 else math.inf
        return cls(value, k * math.sqrt(variance / (k - 1)), max(1.0, min(k - 1.0, satterthwaite)))

    @property
    def is_finite(self) -> bool:
        """Whether both value and standard error are finite."""
        return math.isfinite(self.value) and math.isfinite(self.standard_error)

    def bounds(self, confidence: float) -> tuple[float, float]:
        """Return the one-sided lower and the one-sided upper confidence bound; NaN when unknown."""
        if not self.is_finite:
            return math.nan, math.nan
        if self.standard_error == 0:
            return self.value, self.value
        margin = student_t.quantile(confidence, self.degrees_of_freedom) * self.standard_error
        return self.value - margin, self.value + margin

    def p_value_below(self, threshold: float) -> float:
        """Return the one-sided p-value of a true value at or above ``mark``; small when it is significantly below."""
        if not self.is_finite:
            return math.nan
        if self.standard_error == 0:
            return 0.0 if self.value < threshold - _ROUNDING * max(1.0, abs(threshold)) else 1.0
        return student_t.survival((threshold - self.value) / self.standard_error, self.degrees_of_freedom)
