"""How far apart two distributions are, from what was counted of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_mlops.core.data.drift.statistics import Counts
from airflow_mlops.core.data.profiles.numbers import Numbers

BINS = 10
# An empty bin would make PSI infinite; this share in its place is what Evidently takes, too.
EMPTY = 1e-4


def wasserstein(a: Numbers, b: Numbers) -> float:
    """Give the Wasserstein distance of two columns counted on one grid, in the column's unit.

    It is the area between the distribution functions: known at the edges, taken as straight between them, and
    from the sums of distances outside the grid. The error is at most one cell's width, and far less for
    smooth data.

    :param a: one side, with values.
    :param b: the other, with values.
    """
    gaps = np.abs(_gaps(a, b))
    inside = float(gaps[:-1].sum() + gaps[1:].sum()) / 2
    below = abs(a.below_sum / a.count - b.below_sum / b.count)
    above = abs(a.above_sum / a.count - b.above_sum / b.count)
    return (inside + below + above) * a.grid.step


def kolmogorov_smirnov(a: Numbers, b: Numbers) -> float:
    """Give the largest gap of the distribution functions at the edges: a lower bound of the KS distance."""
    return float(np.abs(_gaps(a, b)).max())


def _gaps(a: Numbers, b: Numbers) -> Counts:
    """Give the difference of the distribution functions at each edge of the grid."""
    shares = [np.concatenate([[n.below], n.below + np.cumsum(n.counts)]) / n.count for n in (a, b)]
    difference: Counts = shares[0] - shares[1]
    return difference


def in_bins(reference: Numbers, current: Numbers, bins: int = BINS) -> tuple[Counts, Counts]:
    """Count both sides in bins that hold about equal shares of the reference; edges are edges of cells.

    The outer bins hold what lies outside the grid, too. A value that is very frequent makes for fewer bins.

    :return: counts of the reference and of the current data.
    """
    filled = np.concatenate([[reference.below], reference.counts, [reference.above]]).astype(float)
    other = np.concatenate([[current.below], current.counts, [current.above]]).astype(float)
    upto = np.cumsum(filled)
    targets = upto[-1] * np.arange(1, bins) / bins
    cuts = np.unique(np.searchsorted(upto, targets, side="left") + 1)
    starts = np.concatenate([[0], cuts[cuts < len(filled)]]).astype(np.int64)
    return np.add.reduceat(filled, starts), np.add.reduceat(other, starts)


def psi(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Give the population stability index of two rows of counts, the sum of (p - q) ln(p / q).

    Shares of zero count as 0.0001. NaN when a row is empty.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.sum() <= 0 or second.sum() <= 0:
        return math.nan
    p, q = (np.where(c > 0, c / c.sum(), EMPTY) for c in (first, second))
    seen = first + second > 0
    return float(((p - q) * np.log(p / q))[seen].sum())


def cramers_v(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Give Cramer's V of a table of two rows of counts: the chi-squared statistic as an effect, 0 to 1.

    For two rows it is the root of chi-squared / n; both rows are weighed alike here, so that their sizes do not matter.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.sum() <= 0 or second.sum() <= 0:
        return math.nan
    p, q = first / first.sum(), second / second.sum()
    seen = p + q > 0
    return math.sqrt(float(((p - q)[seen] ** 2 / (p + q)[seen]).sum()) / 2)


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
