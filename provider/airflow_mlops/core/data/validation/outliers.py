"""Outlier limits from the reference profile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_mlops.core.data.contracts.column_rules import OutlierRule

if TYPE_CHECKING:
    from airflow_mlops.core.data.profiles.model import ColumnProfile


@dataclass(frozen=True, slots=True)
class Fences:
    """Range of values that are not outliers, in the column's unit.

    :param low: the lower limit.
    :param high: the upper limit.
    """

    low: float
    high: float


def compute_fences(rule: OutlierRule, column: ColumnProfile | None) -> Fences | str:
    """Compute the fences of a column.

    ``iqr`` is Tukey's rule (Exploratory Data Analysis, 1977): ``factor`` interquartile ranges beyond the quartiles.
    ``z`` is ``factor`` standard deviations around the mean. ``quantile`` uses the quantiles themselves.
    A profile resolves quantiles to one cell of its grid, so the fences are one cell further out.

    :param rule: the method and its settings.
    :param column: the reference's profile of the column; None when it has none.
    :return: the fences, or the reason why there are none.
    """
    if column is None:
        return "no reference profile of this column"
    if column.numbers is None or not column.count:
        return "the reference has no numbers in this column"
    cell = column.numbers.grid.step
    if rule.method == "quantile":
        low, high, spread = column.quantile(rule.low) - cell, column.quantile(rule.high) + cell, math.inf
    elif rule.method == "iqr":
        first, third = column.quantile(0.25), column.quantile(0.75)
        spread = third - first if third - first > cell else 0.0
        low, high = first - rule.factor * spread - cell, third + rule.factor * spread + cell
    else:
        spread = column.std
        low, high = column.mean - rule.factor * spread, column.mean + rule.factor * spread
    if not (math.isfinite(low) and math.isfinite(high)):
        return "the reference's spread is not a finite number"
    if not spread:
        return "the reference has no spread in this column: every other value would be an outlier"
    return Fences(low, high)
