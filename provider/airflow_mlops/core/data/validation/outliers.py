"""Where outliers begin, by what the reference profile has seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_mlops.core.data.contracts.columns import Outliers

if TYPE_CHECKING:
    from airflow_mlops.core.data.profiles.model import ColumnProfile


@dataclass(frozen=True, slots=True)
class Fences:
    """The range of values that are no outliers, in the column's unit.

    :param low: the least.
    :param high: the greatest.
    """

    low: float
    high: float


def fences(rule: Outliers, column: ColumnProfile | None) -> Fences | str:
    """Find where outliers begin.

    ``iqr`` is Tukey's rule (Exploratory Data Analysis, 1977): the quartiles, and ``factor`` times their distance
    beyond. ``z`` is the mean and ``factor`` standard deviations. ``quantile`` is the quantiles themselves.
    A profile knows a quantile to a cell of its grid, and so the fences stand a cell further out.

    :param rule: the method and its settings.
    :param column: the reference's profile of the column; None when it has none.
    :return: the fences, or why there are none.
    """
    if column is None:
        return "there is no reference profile of this column"
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
