"""Evidently's default rules on profiles: the same methods, the same choice among them, the same thresholds.

As of Evidently 0.7: up to 1,000 reference rows a p-value below 0.05 is drift (Kolmogorov-Smirnov for numbers,
chi-squared for categories and for numbers of at most five values, a z-test for two values); beyond, a distance of 0.1
(Wasserstein by the reference's standard deviation, Jensen-Shannon in natural logarithms).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from airflow_mlops.core.data.drift import distances, statistics
from airflow_mlops.core.data.drift.policy import EFFECT
from airflow_mlops.core.data.drift.signals import Pair, Signal, as_date, as_figure, facts, name_counts
from airflow_mlops.core.data.drift.statistics import Counts
from airflow_mlops.core.data.profiles.numbers import Numbers

SMALL = 1_000
FEW_VALUES = 5
P_VALUE = 0.05
LEAST_SPREAD = 0.001


def measure(pair: Pair) -> Iterator[Signal]:
    """Measure a column by the method that Evidently would choose for it."""
    yield from facts(pair)
    if not pair.enough("count"):
        return
    small = pair.reference.count <= SMALL
    reference, current = pair.reference.numbers, pair.current.numbers
    if reference is not None and current is not None:
        table = _few_values(reference, current)
        yield _of_numbers(pair, reference, current, small) if table is None else _of_counts(pair, *table, small)
    elif pair.reference.categories is not None and pair.current.categories is not None:
        yield _of_counts(pair, *name_counts(pair.reference.categories, pair.current.categories), small)


def _few_values(reference: Numbers, current: Numbers) -> tuple[Counts, Counts] | None:
    """Lay out numbers of at most five values as counts of values; None when there are more."""
    both = [np.concatenate([[n.below], n.counts, [n.above]]).astype(float) for n in (reference, current)]
    filled = both[0] + both[1] > 0
    return (both[0][filled], both[1][filled]) if int(filled.sum()) <= FEW_VALUES else None


def _of_numbers(pair: Pair, reference: Numbers, current: Numbers, small: bool) -> Signal:
    show = as_date if pair.reference.kind == "date" else as_figure
    moved = f"mean {show(reference.mean)} -> {show(current.mean)}"
    if small:
        gap = distances.kolmogorov_smirnov(reference, current)
        p_value = statistics.ks_p_value(gap, reference.count, current.count)
        return Signal("ks", p_value, P_VALUE, None, f"{moved} (KS p {p_value:.2g})", small_is_drift=True)
    effect = distances.wasserstein(reference, current) / max(reference.std, LEAST_SPREAD)
    limit = pair.limit("numeric") or EFFECT
    return Signal("wasserstein", effect, limit, None, f"{moved} (Wasserstein {effect:.2f} reference sd)")


def _of_counts(pair: Pair, reference: Counts, current: Counts, small: bool) -> Signal:
    if not small:
        effect = distances.jensen_shannon(reference, current) * math.sqrt(math.log(2))
        limit = pair.limit("categorical") or EFFECT
        return Signal("jensenshannon", effect, limit, None, f"Jensen-Shannon {effect:.2f} (natural logarithm)")
    method, p_value = ("chisquare", _chi_squared(reference, current))
    if len(reference) <= 2:
        method, p_value = "z", _two_shares(reference, current)
    return Signal(method, p_value, P_VALUE, None, f"{method} p {p_value:.2g}", small_is_drift=True)


def _chi_squared(reference: Counts, current: Counts) -> float:
    """Hold the current counts against the reference's shares, as if those were known exactly."""
    expected = reference * (current.sum() / reference.sum())
    if (expected == 0).any():
        return 0.0
    statistic = float(((current - expected) ** 2 / expected).sum())
    return statistics.chi_squared_tail(statistic, len(expected) - 1)


def _two_shares(reference: Counts, current: Counts) -> float:
    """Give the pooled z-test of two shares, without a correction."""
    if len(reference) < 2:
        return 1.0
    n_a, n_b = float(reference.sum()), float(current.sum())
    pooled = float(reference[0] + current[0]) / (n_a + n_b)
    scale = math.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return statistics.normal_tails((reference[0] / n_a - current[0] / n_b) / scale) if scale else 1.0
