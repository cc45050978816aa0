"""Comparing the residuals of two relations stratum by stratum.

Within a stratum of the score all rows had about the same prediction, so a change in how many had the label is a change
of the relation, wherever in the score's range the rows lie now: a shift of the inputs alone changes nothing there
(the idea of Mantel and Haenszel 1959).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from airflow_mlops.core.data.concept.relation import Strata, Sums, Task
from airflow_mlops.core.data.drift.statistics import chi_squared_tail, normal_tails

LEAST_ROWS = 30.0  # independent rows that a stratum needs on each side
LEAST_EVENTS = 10.0  # of the rarer outcome that it has to expect on each side


@dataclass(frozen=True, slots=True)
class Gaps:
    """By how much residuals differ, stratum by stratum.

    :param groups: which strata were put together, by their numbers.
    :param gaps: mean residual now, less that of the reference; shape (groups,).
    :param variances: the variances of the gaps if there is no difference; shape (groups,).
    :param weights: the share of the compared current rows; sums to 1; shape (groups,).
    :param covered: the share of all current rows that could be compared.
    """

    groups: tuple[tuple[int, ...], ...]
    gaps: Sums
    variances: Sums
    weights: Sums
    covered: float

    @property
    def level(self) -> float:
        """The mean gap over the current rows."""
        return float((self.weights * self.gaps).sum())

    def level_p_value(self, margin: float = 0.0) -> float:
        """Give the chance of so large a mean gap when the true one is at most the margin."""
        spread = math.sqrt(float((self.weights**2 * self.variances).sum()))
        return normal_tails(max(0.0, abs(self.level) - margin) / spread) if spread else 1.0

    def size(self, around: float = 0.0) -> float:
        """Give the root of the mean squared gap, less what noise alone adds to it.

        :param around: a gap that all strata may have in common.
        """
        return math.sqrt(max(0.0, self._excess(around)))

    def p_value(self, margin: float = 0.0) -> float:
        """Give the chance of so large gaps when their true size is at most the margin.

        The larger of two: chi-squared over the strata for no gaps at all, and, by the mean and the variance of a sum of
        non-central chi-squared terms, for gaps of the margin.
        """
        chance = chi_squared_tail(float((self.gaps**2 / self.variances).sum()), len(self.gaps))
        return max(chance, self._beyond(margin, around=0.0))

    def shape_p_value(self, margin: float = 0.0) -> float:
        """Give the chance of so unequal gaps when all strata have the same one but for the margin."""
        precision = 1 / self.variances
        common = float((self.gaps * precision).sum() / precision.sum())
        chance = chi_squared_tail(float(((self.gaps - common) ** 2 * precision).sum()), len(self.gaps) - 1)
        return max(chance, self._beyond(margin, around=self.level))

    def _excess(self, around: float) -> float:
        return float((self.weights * ((self.gaps - around) ** 2 - self.variances)).sum())

    def _beyond(self, margin: float, around: float) -> float:
        terms = self.weights**2 * (2 * self.variances**2 + 4 * self.variances * margin**2)
        spread = math.sqrt(float(terms.sum()))
        return normal_tails(max(0.0, self._excess(around) - margin**2) / spread) if spread else 1.0


def compare(reference: Strata, current: Strata, task: Task, weights: tuple[float, float]) -> Gaps | None:
    """Compare two sides over the same strata.

    :param reference: one side.
    :param current: the other.
    :param weights: independent rows in a row of each side: below 1 where rows belong together.
    :return: the gaps; None when no stratum has enough rows on both sides.
    """
    events = task != "regression"
    groups = list(_groups(reference, current, events, weights))
    if not groups:
        return None
    sides = [[np.array([getattr(s, n)[list(g)].sum() for g in groups]) for n in _SUMS] for s in (reference, current)]
    (rows_a, labels_a, residuals_a, squares_a), (rows_b, labels_b, residuals_b, squares_b) = sides
    gaps = residuals_b / rows_b - residuals_a / rows_a
    rows = rows_a + rows_b
    # Both sides' spread around their own mean: without a difference it is one and the same.
    spread = (squares_a - residuals_a**2 / rows_a + squares_b - residuals_b**2 / rows_b) / rows
    if events:
        share = (labels_a + labels_b + 0.5) / (rows + 1)
        spread = np.maximum(spread, share * (1 - share))
    variances = np.maximum(spread, 1e-300) * (1 / (rows_a * weights[0]) + 1 / (rows_b * weights[1]))
    everything = float(current.rows.sum())
    return Gaps(tuple(groups), gaps, variances, rows_b / rows_b.sum(), float(rows_b.sum()) / everything)


_SUMS = ("rows", "labels", "residuals", "squares")


def _groups(
    reference: Strata, current: Strata, events: bool, weights: tuple[float, float]
) -> Iterator[tuple[int, ...]]:
    """Put neighbouring strata of numbers together until each group has enough rows and events; names stand alone.

    Where the reference has no rows there is nothing to compare with.
    """
    ordered = reference.bins.edges is not None
    missing = reference.bins.count - 1
    found: list[list[int]] = []
    group: list[int] = []
    for index in (i for i in range(missing) if reference.rows[i]):
        group.append(index)
        if _enough(reference, current, group, weights, events and ordered):
            found.append(group)
            group = []
        elif not ordered:
            group = []
    if group and found:
        found[-1] += group
    elif group and _enough(reference, current, group, weights, events=False):  # events are rare: all rows together
        found.append(group)
    if _enough(reference, current, [missing], weights, events=False):
        found.append([missing])
    yield from map(tuple, found)


def _enough(reference: Strata, current: Strata, group: list[int], weights: tuple[float, float], events: bool) -> bool:
    """Say whether a group has independent rows enough on both sides, and events where they matter."""
    rows = [float(side.rows[group].sum()) for side in (reference, current)]
    least = min(rows[0] * weights[0], rows[1] * weights[1])
    if least < LEAST_ROWS:
        return False
    share = float(reference.labels[group].sum() + current.labels[group].sum()) / sum(rows)
    return not events or min(share, 1 - share) * least >= LEAST_EVENTS
