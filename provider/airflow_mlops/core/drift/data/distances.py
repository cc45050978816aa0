"""Distances between distributions, computed from counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_mlops.common.statistics.significance import CellCounts
from airflow_mlops.core.data.profiles.numbers import NumberHistogram

BINS = 10
# An empty bin would make PSI infinite; Evidently uses the same replacement.
EMPTY_BIN_PROPORTION = 1e-4


def wasserstein(a: NumberHistogram, b: NumberHistogram) -> float:
    """Return the Wasserstein distance of two columns counted on one grid, in the column's unit.

    It is the area between the distribution functions, which are exact at the edges, interpolated linearly within cells,
    and completed by the sums of distances outside the grid. The error is at most one cell's width, and far less for
    smooth data.

    :param a: the first column; not empty.
    :param b: the second column; not empty.
    """
    gaps = np.abs(_gaps(a, b))
    inside = float(gaps[:-1].sum() + gaps[1:].sum()) / 2
    below = abs(a.below_sum / a.count - b.below_sum / b.count)
    above = abs(a.above_sum / a.count - b.above_sum / b.count)
    return (inside + below + above) * a.grid.step


def kolmogorov_smirnov(a: NumberHistogram, b: NumberHistogram) -> float:
    """Return the largest gap of the distribution functions at the edges: a lower bound of the KS distance."""
    return float(np.abs(_gaps(a, b)).max())


def _gaps(a: NumberHistogram, b: NumberHistogram) -> CellCounts:
    """Return the difference of the distribution functions at each edge of the grid."""
    cdfs = [np.concatenate([[n.below], n.below + np.cumsum(n.counts)]) / n.count for n in (a, b)]
    difference: CellCounts = cdfs[0] - cdfs[1]
    return difference


def count_in_bins(
    reference: NumberHistogram, current: NumberHistogram, bins: int = BINS
) -> tuple[CellCounts, CellCounts]:
    """Count both sides in bins of about equal reference counts, whose edges are cell edges.

    The outer bins include values outside the grid. A very frequent value results in fewer bins.

    :return: counts of the reference and of the current data.
    """
    first = np.concatenate([[reference.below], reference.counts, [reference.above]]).astype(float)
    second = np.concatenate([[current.below], current.counts, [current.above]]).astype(float)
    cumulative = np.cumsum(first)
    targets = cumulative[-1] * np.arange(1, bins) / bins
    cuts = np.unique(np.searchsorted(cumulative, targets, side="left") + 1)
    starts = np.concatenate([[0], cuts[cuts < len(first)]]).astype(np.int64)
    return np.add.reduceat(first, starts), np.add.reduceat(second, starts)


def psi(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return the population stability index of two rows of counts, the sum of (p - q) ln(p / q).

    Proportions of zero count as 0.0001. NaN when a row is empty.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.sum() <= 0 or second.sum() <= 0:
        return math.nan
    p, q = (np.where(c > 0, c / c.sum(), EMPTY_BIN_PROPORTION) for c in (first, second))
    present = first + second > 0
    return float(((p - q) * np.log(p / q))[present].sum())


def cramers_v(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return Cramer's V of a table of two rows of counts, 0 to 1.

    For two rows it is the root of chi-squared / n. Both rows get equal weight, so it does not depend on their sizes.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.sum() <= 0 or second.sum() <= 0:
        return math.nan
    p, q = first / first.sum(), second / second.sum()
    present = p + q > 0
    return math.sqrt(float(((p - q)[present] ** 2 / (p + q)[present]).sum()) / 2)


def jensen_shannon(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return the Jensen-Shannon distance of two rows of counts: root of the divergence, base 2, 0 to 1.

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


def align_counts(a: Mapping[Any, float], b: Mapping[Any, float]) -> tuple[CellCounts, CellCounts]:
    """Align two mappings of counts on the sorted union of their names."""
    names = sorted({*a, *b})
    return (
        np.array([a.get(n, 0) for n in names], dtype=float),
        np.array([b.get(n, 0) for n in names], dtype=float),
    )
