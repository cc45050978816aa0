"""Significance tests. ``scipy.special`` is imported on first use, and ``scipy.stats``, which is slow to import, never.

Sample sizes may be fractions: dependent rows of one cluster count for less than one each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CellCounts = npt.NDArray[np.float64]
# Cells with a smaller expected count are pooled. Cochran's 5 (1954) is sufficient at the 5 % level. After a correction
# for hundreds of tests, p-values of 1e-5 decide: there cells of 5 understate p by a factor of four and more when one
# sample is far larger than the other.
MIN_EXPECTED_COUNT = 15.0
EXACT_UP_TO = 2_000.0  # total successes (or failures) up to which proportions are tested exactly


def kolmogorov_tail(x: float) -> float:
    """Return P(K > x) of the Kolmogorov distribution, the limit of sqrt(n) D."""
    from scipy import special

    return float(special.kolmogorov(x))


def chi_squared_tail(x: float, df: int) -> float:
    """Return P(X > x) of the chi-squared distribution; 1 without degrees of freedom."""
    from scipy import special

    if math.isnan(x):
        return math.nan
    return 1.0 if df <= 0 or x <= 0 else float(special.chdtrc(df, x))


def normal_two_tails(z: float) -> float:
    """Return P(abs(Z) > abs(z)) of the standard normal distribution."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def ks_p_value(distance: float, n_a: float, n_b: float) -> float:
    """Return the asymptotic p-value of the two-sample Kolmogorov-Smirnov test.

    :param distance: the largest gap between the two distribution functions. Computed on cells it is a lower bound, so
        the test is conservative, as it is with ties.
    :param n_a: effective size of the first sample.
    :param n_b: effective size of the second sample.
    """
    if n_a <= 0 or n_b <= 0:
        return 1.0
    return kolmogorov_tail(distance * math.sqrt(n_a * n_b / (n_a + n_b)))


def two_proportions_p_value(k_a: float, n_a: float, k_b: float, n_b: float) -> float:
    """Return the two-sided p-value of equal proportions.

    It is Fisher's exact test (twice the smaller tail) while successes or failures are few, and the pooled z-test with
    Yates's continuity correction otherwise. Fractional sizes are rounded for the exact test.

    :param k_a: successes of ``n_a`` in the first sample.
    :param n_a: its effective size.
    :param k_b: successes of ``n_b`` in the second sample.
    :param n_b: its effective size.
    """
    if n_a <= 0 or n_b <= 0:
        return 1.0
    if min(k_a + k_b, n_a - k_a + n_b - k_b) <= EXACT_UP_TO:
        return _fisher(k_a, n_a, k_b, n_b)
    pooled = (k_a + k_b) / (n_a + n_b)
    scale = pooled * (1 - pooled) * (1 / n_a + 1 / n_b)
    if scale <= 0:
        return 1.0
    gap = abs(k_a / n_a - k_b / n_b) - 0.5 * (1 / n_a + 1 / n_b)
    return normal_two_tails(max(0.0, gap) / math.sqrt(scale))


def _fisher(k_a: float, n_a: float, k_b: float, n_b: float) -> float:
    """Sum the hypergeometric tail from the observed table outwards, and double it."""
    sizes = max(1, round(n_a)), max(1, round(n_b))
    hits = [min(size, round(k * size / n)) for k, n, size in ((k_a, n_a, sizes[0]), (k_b, n_b, sizes[1]))]
    if sum(hits) > sum(sizes) - sum(hits):  # count the rarer outcome: its tail is shorter
        hits = [size - hit for hit, size in zip(hits, sizes, strict=True)]
    drawn, all_hits, total = sizes[1], sum(hits), sum(sizes)
    count, expected = hits[1], all_hits * sizes[1] / total
    step = 1 if count >= expected else -1
    term = summed = math.exp(_log_hypergeometric(count, all_hits, drawn, total))
    lower, upper = max(0, drawn - (total - all_hits)), min(all_hits, drawn)
    while lower <= count + step <= upper and term > summed * 1e-12:
        if step > 0:
            term *= (all_hits - count) * (drawn - count) / ((count + 1) * (total - all_hits - drawn + count + 1))
        else:
            term *= count * (total - all_hits - drawn + count) / ((all_hits - count + 1) * (drawn - count + 1))
        count += step
        summed += term
    return min(1.0, 2.0 * summed)


def _log_hypergeometric(hits: int, all_hits: int, drawn: int, total: int) -> float:
    def choose(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    return choose(all_hits, hits) + choose(total - all_hits, drawn - hits) - choose(total, drawn)


def chi_squared_p_value(a: npt.ArrayLike, b: npt.ArrayLike, weight_a: float = 1.0, weight_b: float = 1.0) -> float:
    """Return the p-value that two rows of counts have the same proportions.

    Cells with a small expected count in either row are pooled with their neighbours. If two cells remain, they are
    tested exactly.

    :param a: counts of the first sample by cell.
    :param b: counts of the second sample by the same cells.
    :param weight_a: effective rows per row of the first sample: below 1 for clustered rows.
    :param weight_b: the same for the second.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    n_a, n_b = float(first.sum()) * weight_a, float(second.sum()) * weight_b
    if n_a <= 0 or n_b <= 0:
        return 1.0
    first, second = pool_cells(first * weight_a, second * weight_b, MIN_EXPECTED_COUNT)
    if len(first) < 2:
        return 1.0
    if len(first) == 2:
        return two_proportions_p_value(float(first[0]), n_a, float(second[0]), n_b)
    both = first + second
    expected_a, expected_b = both * n_a / (n_a + n_b), both * n_b / (n_a + n_b)
    gap = (first - expected_a) ** 2  # equal in both rows, because the totals are fixed
    return chi_squared_tail(float((gap / expected_a).sum() + (gap / expected_b).sum()), len(first) - 1)


def pool_cells(a: CellCounts, b: CellCounts, min_expected: float) -> tuple[CellCounts, CellCounts]:
    """Pool cells until each has a sufficient expected count in the smaller row.

    Small cells are pooled in their order, not by size: with weighted counts the difference of the rows would break
    ties, and cells with a surplus in the same row would be pooled together.

    :param a: effective counts of the first sample.
    :param b: effective counts of the second sample.
    :param min_expected: the minimum expected count of a cell, unless only two remain: those are tested exactly.
    """
    expected = (a + b) * (min(float(a.sum()), float(b.sum())) / float(a.sum() + b.sum()))
    large = expected >= min_expected * (1 - 1e-12)
    order = np.concatenate([np.flatnonzero(large), np.flatnonzero(~large & (expected > 0))])
    starts = list(range(int(large.sum())))
    cumulative = np.cumsum(expected[order])
    if len(starts) < len(order):
        pooled_count = float(cumulative[starts[-1]]) if starts else 0.0
        starts.append(len(starts))
        while (end := int(np.searchsorted(cumulative, pooled_count + min_expected * (1 - 1e-12)))) < len(
            cumulative
        ) - 1:
            starts.append(end + 1)
            pooled_count = float(cumulative[end])
        if len(starts) > 2 and cumulative[-1] - pooled_count < min_expected:  # the remainder joins the previous pool
            starts.pop()
    return np.add.reduceat(a[order], starts), np.add.reduceat(b[order], starts)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted to control the family-wise error rate (Holm 1979).

    NaN counts as 1; the caller has to handle it.
    """
    clean = [1.0 if math.isnan(p) else p for p in p_values]
    adjusted, highest = [1.0] * len(clean), 0.0
    for rank, index in enumerate(sorted(range(len(clean)), key=clean.__getitem__)):
        highest = max(highest, min(1.0, (len(clean) - rank) * clean[index]))
        adjusted[index] = highest
    return adjusted
