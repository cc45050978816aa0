"""Comparison of the residuals of two relations by stratum.

Within a stratum of the score all rows have about the same prediction. A change of the labels there is a change of the
relation; a shift of the inputs alone has no effect (the idea of Mantel and Haenszel 1959).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from airflow_mlops.common.statistics.significance import chi_squared_tail, normal_two_tails
from airflow_mlops.core.drift.concept.label_relation import RelationTask, Strata, StratumSums

MIN_STRATUM_ROWS = 30.0  # effective rows of a stratum on each side
MIN_STRATUM_EVENTS = 10.0  # expected events of the rarer outcome on each side


@dataclass(frozen=True, slots=True)
class ResidualGaps:
    """Differences of mean residuals by group of strata.

    :param groups: the indices of the strata in each group.
    :param gaps: current mean residual minus that of the reference; shape (groups,).
    :param variances: the variances of the gaps under no difference; shape (groups,).
    :param weights: fractions of the compared current rows, which sum to 1; shape (groups,).
    :param covered: the fraction of all current rows that could be compared.
    """

    groups: tuple[tuple[int, ...], ...]
    gaps: StratumSums
    variances: StratumSums
    weights: StratumSums
    covered: float

    @property
    def level(self) -> float:
        """Return the mean gap over the current rows."""
        return float((self.weights * self.gaps).sum())

    def level_p_value(self, margin: float = 0.0) -> float:
        """Return the p-value of the mean gap under a true gap of at most the margin."""
        spread = math.sqrt(float((self.weights**2 * self.variances).sum()))
        return normal_two_tails(max(0.0, abs(self.level) - margin) / spread) if spread else 1.0

    def rms_gap(self, around: float = 0.0) -> float:
        """Return the root mean square gap, corrected for sampling noise.

        :param around: a common gap that is subtracted from all groups.
        """
        return math.sqrt(max(0.0, self._excess(around)))

    def p_value(self, margin: float = 0.0) -> float:
        """Return the p-value of the gaps under a true size of at most the margin.

        It is the larger of two: a chi-squared test of no gaps, and a test of gaps of the margin, by the mean and the
        variance of a sum of non-central chi-squared terms.
        """
        p_value = chi_squared_tail(float((self.gaps**2 / self.variances).sum()), len(self.gaps))
        return max(p_value, self._margin_p_value(margin, around=0.0))

    def shape_p_value(self, margin: float = 0.0) -> float:
        """Return the p-value of unequal gaps under a common gap, within the margin."""
        precision = 1 / self.variances
        common = float((self.gaps * precision).sum() / precision.sum())
        p_value = chi_squared_tail(float(((self.gaps - common) ** 2 * precision).sum()), len(self.gaps) - 1)
        return max(p_value, self._margin_p_value(margin, around=self.level))

    def _excess(self, around: float) -> float:
        return float((self.weights * ((self.gaps - around) ** 2 - self.variances)).sum())

    def _margin_p_value(self, margin: float, around: float) -> float:
        terms = self.weights**2 * (2 * self.variances**2 + 4 * self.variances * margin**2)
        spread = math.sqrt(float(terms.sum()))
        return normal_two_tails(max(0.0, self._excess(around) - margin**2) / spread) if spread else 1.0


def compare_residuals(
    reference: Strata, current: Strata, task: RelationTask, weights: tuple[float, float]
) -> ResidualGaps | None:
    """Compare the residuals of two sides over the same strata.

    :param reference: the reference side.
    :param current: the current side.
    :param weights: effective rows per row of each side: below 1 for clustered rows.
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
    # Pooled variance around the mean of each side: under no difference both variances are equal.
    variance = (squares_a - residuals_a**2 / rows_a + squares_b - residuals_b**2 / rows_b) / rows
    if events:
        proportion = (labels_a + labels_b + 0.5) / (rows + 1)
        variance = np.maximum(variance, proportion * (1 - proportion))
    variances = np.maximum(variance, 1e-300) * (1 / (rows_a * weights[0]) + 1 / (rows_b * weights[1]))
    covered = float(rows_b.sum()) / float(current.rows.sum())
    return ResidualGaps(tuple(groups), gaps, variances, rows_b / rows_b.sum(), covered)


_SUMS = ("rows", "labels", "residuals", "squares")


def _groups(
    reference: Strata, current: Strata, events: bool, weights: tuple[float, float]
) -> Iterator[tuple[int, ...]]:
    """Merge neighbouring numeric strata until each group has enough rows and events; categories are not merged.

    Strata without reference rows are skipped.
    """
    ordered = reference.bins.edges is not None
    missing = reference.bins.count - 1
    groups: list[list[int]] = []
    group: list[int] = []
    for index in (i for i in range(missing) if reference.rows[i]):
        group.append(index)
        if _has_data(reference, current, group, weights, events and ordered):
            groups.append(group)
            group = []
        elif not ordered:
            group = []
    if group and groups:
        groups[-1] += group
    elif group and _has_data(reference, current, group, weights, events=False):  # events are rare: merge all rows
        groups.append(group)
    if _has_data(reference, current, [missing], weights, events=False):
        groups.append([missing])
    yield from map(tuple, groups)


def _has_data(reference: Strata, current: Strata, group: list[int], weights: tuple[float, float], events: bool) -> bool:
    """Check whether a group has enough effective rows on both sides, and enough events if required."""
    rows = [float(side.rows[group].sum()) for side in (reference, current)]
    smaller = min(rows[0] * weights[0], rows[1] * weights[1])
    if smaller < MIN_STRATUM_ROWS:
        return False
    proportion = float(reference.labels[group].sum() + current.labels[group].sum()) / sum(rows)
    return not events or min(proportion, 1 - proportion) * smaller >= MIN_STRATUM_EVENTS
