"""Evidently's default drift rules, applied to profiles: the same methods and thresholds.

As of Evidently 0.7. Up to 1,000 reference rows, a p-value below 0.05 is drift: Kolmogorov-Smirnov for numbers,
chi-squared for categories and for numbers of at most five values, a z-test for two values. Beyond that, a distance
of 0.1 is drift: Wasserstein by the reference's standard deviation, Jensen-Shannon in natural logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from airflow_mlops.common.statistics import significance
from airflow_mlops.common.statistics.significance import CellCounts
from airflow_mlops.core.data.profiles.numbers import NumberHistogram
from airflow_mlops.core.drift.data import distances
from airflow_mlops.core.drift.data.drift_methods import DEFAULT_EFFECT_THRESHOLD, align_categories
from airflow_mlops.core.drift.data.drift_signals import (
    ColumnPair,
    DriftSignal,
    format_date,
    format_number,
    measure_exact,
)

MAX_ROWS_OF_TESTS = 1_000
MAX_DISCRETE_VALUES = 5
P_VALUE = 0.05
MIN_STD = 0.001


def measure_with_evidently_rules(pair: ColumnPair) -> Iterator[DriftSignal]:
    """Measure a column with the method that Evidently would select."""
    yield from measure_exact(pair)
    if not pair.has_enough("count"):
        return
    small = pair.reference.count <= MAX_ROWS_OF_TESTS
    reference, current = pair.reference.numbers, pair.current.numbers
    if reference is not None and current is not None:
        table = _discrete_counts(reference, current)
        yield _numeric_signal(pair, reference, current, small) if table is None else _count_signal(pair, *table, small)
    elif pair.reference.categories is not None and pair.current.categories is not None:
        yield _count_signal(pair, *align_categories(pair.reference.categories, pair.current.categories), small)


def _discrete_counts(reference: NumberHistogram, current: NumberHistogram) -> tuple[CellCounts, CellCounts] | None:
    """Return counts per value for numbers with at most five values; None when there are more."""
    both = [np.concatenate([[n.below], n.counts, [n.above]]).astype(float) for n in (reference, current)]
    filled = both[0] + both[1] > 0
    return (both[0][filled], both[1][filled]) if int(filled.sum()) <= MAX_DISCRETE_VALUES else None


def _numeric_signal(pair: ColumnPair, reference: NumberHistogram, current: NumberHistogram, small: bool) -> DriftSignal:
    show = format_date if pair.reference.kind == "date" else format_number
    change = f"mean {show(reference.mean)} -> {show(current.mean)}"
    if small:
        gap = distances.kolmogorov_smirnov(reference, current)
        p_value = significance.ks_p_value(gap, reference.count, current.count)
        return DriftSignal("ks", p_value, P_VALUE, None, f"{change} (KS p {p_value:.2g})", is_p_value=True)
    effect = distances.wasserstein(reference, current) / max(reference.std, MIN_STD)
    limit = pair.threshold("numeric_threshold") or DEFAULT_EFFECT_THRESHOLD
    return DriftSignal("wasserstein", effect, limit, None, f"{change} (Wasserstein {effect:.2f} reference sd)")


def _count_signal(pair: ColumnPair, reference: CellCounts, current: CellCounts, small: bool) -> DriftSignal:
    if not small:
        effect = distances.jensen_shannon(reference, current) * math.sqrt(math.log(2))
        limit = pair.threshold("categorical_threshold") or DEFAULT_EFFECT_THRESHOLD
        return DriftSignal("jensenshannon", effect, limit, None, f"Jensen-Shannon {effect:.2f} (natural logarithm)")
    method, p_value = ("chisquare", _chi_squared(reference, current))
    if len(reference) <= 2:
        method, p_value = "z", _two_proportions(reference, current)
    return DriftSignal(method, p_value, P_VALUE, None, f"{method} p {p_value:.2g}", is_p_value=True)


def _chi_squared(reference: CellCounts, current: CellCounts) -> float:
    """Test the current counts against the reference's proportions, which are taken as exact."""
    expected = reference * (current.sum() / reference.sum())
    if (expected == 0).any():
        return 0.0
    statistic = float(((current - expected) ** 2 / expected).sum())
    return significance.chi_squared_tail(statistic, len(expected) - 1)


def _two_proportions(reference: CellCounts, current: CellCounts) -> float:
    """Return the p-value of the pooled z-test of two proportions, without a continuity correction."""
    if len(reference) < 2:
        return 1.0
    n_a, n_b = float(reference.sum()), float(current.sum())
    pooled = float(reference[0] + current[0]) / (n_a + n_b)
    scale = math.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return significance.normal_two_tails((reference[0] / n_a - current[0] / n_b) / scale) if scale else 1.0
