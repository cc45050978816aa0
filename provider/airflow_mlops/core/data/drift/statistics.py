"""The few statistics that judging needs, without SciPy: its import alone costs more than a drift check.

Everything here takes and gives plain numbers and arrays. Sample sizes may be fractions: rows that belong
together count for less than one each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.float64]
SMALL_EXPECTED = 5.0  # below this expected count the chi-squared approximation is not trusted (Cochran 1954)
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
    """Give the p-value of the two-sided two-proportion z-test, pooled, with Yates's continuity correction.

    :param k_a: successes of ``n_a`` in the first sample.
    :param n_a: its effective size.
    :param k_b: successes of ``n_b`` in the second sample.
    :param n_b: its effective size.
    """
    if n_a <= 0 or n_b <= 0:
        return 1.0
    pooled = (k_a + k_b) / (n_a + n_b)
    scale = pooled * (1 - pooled) * (1 / n_a + 1 / n_b)
    if scale <= 0:
        return 1.0
    gap = abs(k_a / n_a - k_b / n_b) - 0.5 * (1 / n_a + 1 / n_b)
    return normal_tails(max(0.0, gap) / math.sqrt(scale))


def chi_squared_p_value(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Give the p-value that two rows of counts come from the same shares.

    Cells whose expected count is below five in either row are pooled, chosen by the sum of both rows and so
    without a look at their difference; a pool that is still too small joins the smallest cell left. A two by
    two table gets Yates's correction.

    :param a: counts of the first sample by cell; fractions are allowed.
    :param b: counts of the second sample by the same cells.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    n_a, n_b = float(first.sum()), float(second.sum())
    if n_a <= 0 or n_b <= 0:
        return 1.0
    first, second = _pooled(first, second, min(n_a, n_b) / (n_a + n_b))
    if len(first) < 2:
        return 1.0
    both = first + second
    expected_a, expected_b = both * n_a / (n_a + n_b), both * n_b / (n_a + n_b)
    gap = np.abs(first - expected_a)  # the same in both rows: their sums are fixed
    if len(first) == 2:
        gap = gap - np.minimum(0.5, gap)
    statistic = float((gap**2 / expected_a).sum() + (gap**2 / expected_b).sum())
    return chi_squared_tail(statistic, len(first) - 1)


def _pooled(a: Counts, b: Counts, smaller_share: float) -> tuple[Counts, Counts]:
    """Pool cells so that each expects at least five in the smaller row. Empty cells are dropped."""
    order = np.argsort(-(a + b), kind="stable")
    a, b = a[order], b[order]
    expected = (a + b) * smaller_share
    enough = int((expected >= SMALL_EXPECTED).sum())
    rest_a, rest_b = float(a[enough:].sum()), float(b[enough:].sum())
    a, b = a[:enough].copy(), b[:enough].copy()
    if rest_a + rest_b > 0:
        if (rest_a + rest_b) * smaller_share >= SMALL_EXPECTED or not enough:
            a, b = np.append(a, rest_a), np.append(b, rest_b)
        else:
            a[-1] += rest_a
            b[-1] += rest_b
    return a, b


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


def jensen_shannon(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Give the Jensen-Shannon distance of two rows of counts: root of the divergence, base 2, 0 to 1.

    The same as ``scipy.spatial.distance.jensenshannon(a, b, base=2)``; NaN when a row is empty.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.sum() <= 0 or second.sum() <= 0:
        return math.nan
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(p > 0, p * np.log2(p / middle), 0.0).sum()
        right = np.where(q > 0, q * np.log2(q / middle), 0.0).sum()
    return math.sqrt(max(0.0, float(left + right) / 2))


def aligned(a: Mapping[Any, float], b: Mapping[Any, float]) -> tuple[Counts, Counts]:
    """Lay two mappings of counts side by side over the union of their names, in the names' order."""
    names = sorted({*a, *b})
    return (
        np.array([a.get(n, 0) for n in names], dtype=float),
        np.array([b.get(n, 0) for n in names], dtype=float),
    )
