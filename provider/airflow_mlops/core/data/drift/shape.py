"""The two distributions of a column in a few bins, small enough to travel in a report and to be drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airflow_mlops.core.data.profiles.categories import Categories
from airflow_mlops.core.data.profiles.model import ColumnProfile
from airflow_mlops.core.data.profiles.numbers import Numbers

BARS = 24
NAMES = 10
REST = "other"
EDGE = 0.005  # the share of values that each end of the picture may leave outside


def shape_of(reference: ColumnProfile, current: ColumnProfile) -> dict[str, Any] | None:
    """Lay two distributions over the same bins.

    :param reference: one side; both count over the same cells.
    :param current: the other.
    :return: for numbers and dates ``{kind, lo, hi, reference, current}`` with shares in equal bins (one a value
        where there are few), the outer ones holding what lies outside; for categories
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


def _bars(reference: Numbers, current: Numbers) -> dict[str, Any]:
    lo, hi, bars = _few_values(reference, current) or _range(reference, current)
    if not (math.isfinite(lo) and math.isfinite(hi)):
        return {"lo": None, "hi": None, "reference": [], "current": []}
    edges = lo + (hi - lo) * np.arange(1, bars) / bars
    return {"lo": lo, "hi": hi, "reference": _shares(reference, edges), "current": _shares(current, edges)}


def _range(reference: Numbers, current: Numbers) -> tuple[float, float, int]:
    """Give the range that nearly all values of both sides are in."""
    lo = min(reference.quantile(EDGE), current.quantile(EDGE))
    hi = max(reference.quantile(1 - EDGE), current.quantile(1 - EDGE))
    return lo, hi, BARS


def _few_values(reference: Numbers, current: Numbers) -> tuple[float, float, int] | None:
    """Give a range with one bar a value where there are few values at even distances, such as 0, 1, 2."""
    filled = np.flatnonzero(reference.counts + current.counts)
    if not 0 < len(filled) <= BARS or any(n.below or n.above for n in (reference, current)):
        return None
    apart = int(np.gcd.reduce(np.diff(filled))) if len(filled) > 1 else 1
    bars = int(filled[-1] - filled[0]) // apart + 1
    if bars > BARS:
        return None
    first = float(filled[0]) + 0.5 - apart / 2
    return reference.grid.edge(first), reference.grid.edge(first + bars * apart), bars


def _shares(numbers: Numbers, edges: Any) -> list[float]:
    """Read the distribution function at the edges, straight within a cell and over each tail."""
    grid = numbers.grid
    upto = np.concatenate([[0, numbers.below], numbers.below + np.cumsum(numbers.counts), [numbers.count]])
    least, most = ((bound - grid.lo) / grid.step if bound is not None else 0.0 for bound in (numbers.min, numbers.max))
    places = np.concatenate([[min(least, 0.0)], np.arange(grid.cells + 1), [max(most, grid.cells)]])
    at_edges = np.interp((edges - grid.lo) / grid.step, places, upto / numbers.count)
    return [round(float(share), 5) for share in np.diff(np.concatenate([[0.0], at_edges, [1.0]]))]


def _names(reference: Categories, current: Categories) -> dict[str, Any]:
    """Take the names that are frequent on either side, the most frequent first."""
    shares = [{n: count / c.count for n, count in c.counts.items()} for c in (reference, current)]
    ranked = sorted({*shares[0], *shares[1]}, key=lambda n: (-max(s.get(n, 0.0) for s in shares), n))
    unnamed = max(c.other / c.count for c in (reference, current)) > 0
    names = ranked[: NAMES - 1] if unnamed or len(ranked) > NAMES else ranked
    rows = [[round(s.get(n, 0.0), 5) for n in names] for s in shares]
    if unnamed or len(ranked) > len(names):
        names, rows = [*names, REST], [[*row, max(0.0, round(1 - sum(row), 5))] for row in rows]
    return {"names": [n[:60] for n in names], "reference": rows[0], "current": rows[1]}
