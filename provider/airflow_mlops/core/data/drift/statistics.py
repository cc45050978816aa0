"""Tests of significance without SciPy, whose import alone costs more than a drift check.

Everything here takes and gives plain numbers and arrays. Sample sizes may be fractions: rows that belong
together count for less than one each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.float64]
# Cells that expect fewer are pooled. Cochran's 5 (1954) holds for tests at 5 %; after a correction for hundreds of
# tests p-values of 1e-5 decide, where cells of 5 are too sure by a factor of four and more when one sample is far
# larger than the other.
SMALL_EXPECTED = 15.0
EXACT_UP_TO = 2_000.0  # successes (or failures) in both samples together up to which proportions are tested exactly
_TINY = 1e-300


def kolmogorov_tail(x: float) -> float:
    """Give P(K > x) of the Kolmogorov distribution, the limit of sqrt(n) D.

    Two series (Marsaglia, Tsang & Wang 2003): each converges in a handful of terms on its side of x = 1.
    """
    if math.isnan(x):
        return math.nan
    if x < 0.04:  # what is left is below 1e-300
        return 1.0
    if x < 1.0:
        terms = (math.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8 * x * x)) for k in range(1, 8))
        return min(1.0, max(0.0, 1.0 - math.sqrt(2 * math.pi) / x * sum(terms)))
    return min(1.0, max(0.0, 2 * sum((-1.0) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 12))))


def chi_squared_tail(x: float, df: int) -> float:
    """Give P(X > x) of the chi-squared distribution.

    It is the regularised upper incomplete gamma Q(df / 2, x / 2): a power series left of the mean, Lentz's
    continued fraction right of it (Press et al., Numerical Recipes, 6.2).
    """
    if math.isnan(x):
        return math.nan
    if df <= 0 or x <= 1e-300:
        return 1.0
    if math.isinf(x):
        return 0.0
    a, z = df / 2.0, x / 2.0
    front = math.exp(-z + a * math.log(z) - math.lgamma(a))
    if z < a + 1.0:
        term = total = 1.0 / a
        step = a
        while term > total * 1e-16:
            step += 1.0
            term *= z / step
            total += term
        return min(1.0, max(0.0, 1.0 - front * total))
    b = z + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    fraction = d
    for i in range(1, 100_000):
        an = -i * (i - a)
        b += 2.0
        d = 1.0 / (_away_from_zero(an * d + b))
        c = _away_from_zero(b + an / c)
        fraction *= d * c
        if abs(d * c - 1.0) < 1e-15:
            break
    return min(1.0, max(0.0, front * fraction))


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def normal_tails(z: float) -> float:
    """Give P(abs(Z) > abs(z)) of the standard normal distribution."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def ks_p_value(distance: float, n_a: float, n_b: float) -> float:
    """Give the asymptotic p-value of the two-sample Kolmogorov-Smirnov test.

    :param distance: the largest gap between the two distribution functions. Taken on cells it is a lower
        bound of the gap, so the test errs on the quiet side; so it does with ties.
    :param n_a: effective size of the first sample.
    :param n_b: effective size of the second sample.
    """
    if n_a <= 0 or n_b <= 0:
        return 1.0
    return kolmogorov_tail(distance * math.sqrt(n_a * n_b / (n_a + n_b)))


def two_proportions_p_value(k_a: float, n_a: float, k_b: float, n_b: float) -> float:
    """Give the two-sided p-value that two shares are the same.

    Fisher's exact test, twice its smaller tail, while successes or failures are few; the pooled z-test with
    Yates's continuity correction beyond that. Fractions are rounded for the exact test.

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
    return normal_tails(max(0.0, gap) / math.sqrt(scale))


def _fisher(k_a: float, n_a: float, k_b: float, n_b: float) -> float:
    """Sum the hypergeometric tail from the observed table outwards, and double it."""
    sizes = max(1, round(n_a)), max(1, round(n_b))
    hits = [min(size, round(k * size / n)) for k, n, size in ((k_a, n_a, sizes[0]), (k_b, n_b, sizes[1]))]
    if sum(hits) > sum(sizes) - sum(hits):  # count what is rarer: its tail is short
        hits = [size - hit for hit, size in zip(hits, sizes, strict=True)]
    drawn, all_hits, total = sizes[1], sum(hits), sum(sizes)
    here, expected = hits[1], all_hits * sizes[1] / total
    step = 1 if here >= expected else -1
    term = summed = math.exp(_log_hypergeometric(here, all_hits, drawn, total))
    least, most = max(0, drawn - (total - all_hits)), min(all_hits, drawn)
    while least <= here + step <= most and term > summed * 1e-12:
        if step > 0:
            term *= (all_hits - here) * (drawn - here) / ((here + 1) * (total - all_hits - drawn + here + 1))
        else:
            term *= here * (total - all_hits - drawn + here) / ((all_hits - here + 1) * (drawn - here + 1))
        here += step
        summed += term
    return min(1.0, 2.0 * summed)


def _log_hypergeometric(hits: int, all_hits: int, drawn: int, total: int) -> float:
    def choose(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    return choose(all_hits, hits) + choose(total - all_hits, drawn - hits) - choose(total, drawn)


def chi_squared_p_value(a: npt.ArrayLike, b: npt.ArrayLike, weight_a: float = 1.0, weight_b: float = 1.0) -> float:
    """Give the p-value that two rows of counts come from the same shares.

    Cells whose expected count is small in either row are pooled with their neighbours until it is not. Two cells that
    are left are tested exactly.

    :param a: counts of the first sample by cell.
    :param b: counts of the second sample by the same cells.
    :param weight_a: independent rows in a row of the first sample: below 1 where rows belong together.
    :param weight_b: the same for the second.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    n_a, n_b = float(first.sum()) * weight_a, float(second.sum()) * weight_b
    if n_a <= 0 or n_b <= 0:
        return 1.0
    first, second = pooled(first * weight_a, second * weight_b, SMALL_EXPECTED)
    if len(first) < 2:
        return 1.0
    if len(first) == 2:
        return two_proportions_p_value(float(first[0]), n_a, float(second[0]), n_b)
    both = first + second
    expected_a, expected_b = both * n_a / (n_a + n_b), both * n_b / (n_a + n_b)
    gap = (first - expected_a) ** 2  # the same in both rows: their sums are fixed
    return chi_squared_tail(float((gap / expected_a).sum() + (gap / expected_b).sum()), len(first) - 1)


def pooled(a: Counts, b: Counts, least: float) -> tuple[Counts, Counts]:
    """Pool cells so that each expects enough in the smaller row; one that is rare may stay beside one that is not.

    Small cells are pooled in the order in which they come. Not by size: where counts are weighted, ties would be broken
    by the difference of the rows, and cells in which the same row leads would be pooled with each other.

    :param a: effective counts of the first sample.
    :param b: effective counts of the second sample.
    :param least: what each cell has to expect, unless only two are left: those are tested exactly.
    """
    expected = (a + b) * (min(float(a.sum()), float(b.sum())) / float(a.sum() + b.sum()))
    large = expected >= least * (1 - 1e-12)
    order = np.concatenate([np.flatnonzero(large), np.flatnonzero(~large & (expected > 0))])
    starts = list(range(int(large.sum())))
    upto = np.cumsum(expected[order])
    if len(starts) < len(order):
        passed = float(upto[starts[-1]]) if starts else 0.0
        starts.append(len(starts))
        while (end := int(np.searchsorted(upto, passed + least * (1 - 1e-12)))) < len(upto) - 1:
            starts.append(end + 1)
            passed = float(upto[end])
        if len(starts) > 2 and upto[-1] - passed < least:  # what is left over joins the pool before it
            starts.pop()
    return np.add.reduceat(a[order], starts), np.add.reduceat(b[order], starts)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that one false alarm among all tests has a chance below alpha (Holm 1979).

    A p-value that is not a number counts as 1 here; whoever made it has to deal with it.
    """
    clean = [1.0 if math.isnan(p) else p for p in p_values]
    adjusted, highest = [1.0] * len(clean), 0.0
    for rank, index in enumerate(sorted(range(len(clean)), key=clean.__getitem__)):
        highest = max(highest, min(1.0, (len(clean) - rank) * clean[index]))
        adjusted[index] = highest
    return adjusted
