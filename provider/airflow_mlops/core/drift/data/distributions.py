"""Binned distributions of a column, for charts in reports."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airflow_mlops.core.data.profiles.categories import CategoryCounts
from airflow_mlops.core.data.profiles.model import ColumnProfile
from airflow_mlops.core.data.profiles.numbers import NumberHistogram

MAX_BARS = 24
MAX_NAMES = 10
OTHER = "other"
TAIL_FRACTION = 0.005  # fraction of values outside of the chart at each end


def bin_distributions(reference: ColumnProfile, current: ColumnProfile) -> dict[str, Any] | None:
    """Bin two distributions over the same bins.

    :param reference: the reference column.
    :param current: the current column, counted over the same cells.
    :return: for numbers and dates ``{kind, lo, hi, reference, current}`` with fractions in equal bins (one per value
        where there are few), of which the outer ones include values outside; for categories
        ``{kind, names, reference, current}``; None without values.
    """
    if not reference.count or not current.count:
        return None
    if reference.numbers and current.numbers:
        kind = "date" if reference.kind == "date" else "number"
        return {"kind": kind, **_bars(reference.numbers, current.numbers)}
    if reference.categories and current.categories:
        return {"kind": "category", **_names(reference.categories, current.categories)}
    return None


def _bars(reference: NumberHistogram, current: NumberHistogram) -> dict[str, Any]:
    lo, hi, bars = _discrete_range(reference, current) or _value_range(reference, current)
    if not (math.isfinite(lo) and math.isfinite(hi)):
        return {"lo": None, "hi": None, "reference": [], "current": []}
    edges = lo + (hi - lo) * np.arange(1, bars) / bars
    return {"lo": lo, "hi": hi, "reference": _fractions(reference, edges), "current": _fractions(current, edges)}


def _value_range(reference: NumberHistogram, current: NumberHistogram) -> tuple[float, float, int]:
    """Return the range of nearly all values of both sides, and the number of bars."""
    lo = min(reference.quantile(TAIL_FRACTION), current.quantile(TAIL_FRACTION))
    hi = max(reference.quantile(1 - TAIL_FRACTION), current.quantile(1 - TAIL_FRACTION))
    return lo, hi, MAX_BARS


def _discrete_range(reference: NumberHistogram, current: NumberHistogram) -> tuple[float, float, int] | None:
    """Return a range with one bar per value for few, evenly spaced values such as 0, 1, 2; else None."""
    filled = np.flatnonzero(reference.counts + current.counts)
    if not 0 < len(filled) <= MAX_BARS or any(n.below or n.above for n in (reference, current)):
        return None
    spacing = int(np.gcd.reduce(np.diff(filled))) if len(filled) > 1 else 1
    bars = int(filled[-1] - filled[0]) // spacing + 1
    if bars > MAX_BARS:
        return None
    first = float(filled[0]) + 0.5 - spacing / 2
    return reference.grid.edge(first), reference.grid.edge(first + bars * spacing), bars


def _fractions(numbers: NumberHistogram, edges: Any) -> list[float]:
    """Return the fraction between edges, interpolated linearly within cells and tails."""
    grid = numbers.grid
    cumulative = np.concatenate([[0, numbers.below], numbers.below + np.cumsum(numbers.counts), [numbers.count]])
    low, high = ((bound - grid.lo) / grid.step if bound is not None else 0.0 for bound in (numbers.min, numbers.max))
    positions = np.concatenate([[min(low, 0.0)], np.arange(grid.cells + 1), [max(high, grid.cells)]])
    cdf = np.interp((edges - grid.lo) / grid.step, positions, cumulative / numbers.count)
    return [round(float(fraction), 5) for fraction in np.diff(np.concatenate([[0.0], cdf, [1.0]]))]


def _names(reference: CategoryCounts, current: CategoryCounts) -> dict[str, Any]:
    """Return the fractions of the categories that are most frequent on either side, in that order."""
    fractions = [{n: count / c.count for n, count in c.counts.items()} for c in (reference, current)]
    ranked = sorted({*fractions[0], *fractions[1]}, key=lambda n: (-max(f.get(n, 0.0) for f in fractions), n))
    unnamed = max(c.other / c.count for c in (reference, current)) > 0
    names = ranked[: MAX_NAMES - 1] if unnamed or len(ranked) > MAX_NAMES else ranked
    rows = [[round(f.get(n, 0.0), 5) for n in names] for f in fractions]
    if unnamed or len(ranked) > len(names):
        names, rows = [*names, OTHER], [[*row, max(0.0, round(1 - sum(row), 5))] for row in rows]
    return {"names": [n[:60] for n in names], "reference": rows[0], "current": rows[1]}
