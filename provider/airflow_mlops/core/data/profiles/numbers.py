"""Counts of a numeric column: a histogram on a grid of equal cells, and sums of the values outside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

CELLS = 2048
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NumberGrid:
    """Equal cells on the number line.

    :param lo: the left edge.
    :param step: the width of a cell.
    :param cells: the number of cells.
    """

    lo: float
    step: float
    cells: int = CELLS

    @property
    def hi(self) -> float:
        """The right edge."""
        return self.lo + self.step * self.cells

    def edge(self, index: float) -> float:
        """Return the position of an edge.

        :param index: its number, in cells from the left.
        """
        return self.lo + self.step * index


@dataclass(frozen=True, slots=True, eq=False)
class NumberHistogram:
    """The counts of a numeric column. Sums are in units of cells, so that their magnitude does not depend on the data.

    :param grid: the cells.
    :param counts: the number of values per cell.
    :param below: the number of values left of the grid.
    :param below_sum: the sum of their distances from it, in cells.
    :param above: the number of values right of the grid.
    :param above_sum: the sum of their distances from it, in cells.
    :param total: the sum of all values, in cells from the grid's center.
    :param squares: the sum of the squares of the same.
    :param min: the smallest value; None without values.
    :param max: the largest value; None without values.
    """

    grid: NumberGrid
    counts: IntArray
    below: int = 0
    below_sum: float = 0.0
    above: int = 0
    above_sum: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    min: float | None = None
    max: float | None = None

    @classmethod
    def from_values(cls, grid: NumberGrid, values: npt.ArrayLike, rows: npt.ArrayLike) -> Self:
        """Count weighted values.

        :param grid: the cells.
        :param values: distinct finite values; shape (n,).
        :param rows: the number of rows of each.
        """
        points, weights = np.asarray(values, dtype=np.float64), np.asarray(rows, dtype=np.float64)
        points, weights = points[weights > 0], weights[weights > 0]
        position = (points - grid.lo) * (1.0 / grid.step)
        index = np.clip(position + 1.0, 0, grid.cells + 1).astype(np.int64)  # cell 0 is 'below', the last 'above'
        counts = np.bincount(index, weights=weights, minlength=grid.cells + 2).astype(np.int64)
        below, above, centered = index == 0, index == grid.cells + 1, position - grid.cells / 2
        return cls(
            grid,
            counts[1:-1],
            int(counts[0]),
            float((-position[below] * weights[below]).sum()),
            int(counts[-1]),
            float(((position[above] - grid.cells) * weights[above]).sum()),
            float((centered * weights).sum()),
            float((centered * centered * weights).sum()),
            float(points.min()) if len(points) else None,
            float(points.max()) if len(points) else None,
        )

    @property
    def count(self) -> int:
        """The number of values."""
        return int(self.counts.sum()) + self.below + self.above

    @property
    def mean(self) -> float:
        """The mean; NaN without values."""
        return self.grid.edge(self.grid.cells / 2 + self.total / self.count) if self.count else math.nan

    @property
    def std(self) -> float:
        """The population standard deviation (ddof=0); NaN without values, 0 for a constant."""
        if not self.count:
            return math.nan
        if self.min == self.max:
            return 0.0
        variance = self.squares / self.count - (self.total / self.count) ** 2
        return math.sqrt(max(0.0, variance)) * self.grid.step

    def quantile(self, q: float) -> float:
        """Estimate a quantile, for display: linear within a cell and over each tail.

        :param q: the fraction of values to its left, 0 to 1.
        """
        if not self.count or self.min is None or self.max is None:
            return math.nan
        cumulative = np.concatenate([[0, self.below], self.below + np.cumsum(self.counts), [self.count]])
        grid = self.grid
        edges = [
            min(self.min, grid.lo),
            *(grid.lo + grid.step * np.arange(grid.cells + 1)),
            max(self.max, grid.hi),
        ]
        target, last = q * self.count, len(cumulative) - 1
        right = min(int(np.searchsorted(cumulative, target, side="left")), last)
        left = max(right - 1, 0)
        width = cumulative[right] - cumulative[left]
        inside = (target - cumulative[left]) / width if width > 0 else 0.0
        return float(min(max(edges[left] + inside * (edges[right] - edges[left]), self.min), self.max))

    def merge(self, other: NumberHistogram) -> NumberHistogram:
        """Add the counts of two columns over the same grid."""
        mins = [m for m in (self.min, other.min) if m is not None]
        maxs = [m for m in (self.max, other.max) if m is not None]
        return NumberHistogram(
            self.grid,
            self.counts + other.counts,
            self.below + other.below,
            self.below_sum + other.below_sum,
            self.above + other.above,
            self.above_sum + other.above_sum,
            self.total + other.total,
            self.squares + other.squares,
            min(mins, default=None),
            max(maxs, default=None),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: runs of non-empty cells only."""
        return {
            "lo": self.grid.lo,
            "step": self.grid.step,
            "cells": self.grid.cells,
            "runs": _runs(self.counts),
            "below": [self.below, _json_number(self.below_sum)],
            "above": [self.above, _json_number(self.above_sum)],
            "sums": [_json_number(self.total), _json_number(self.squares)],
            "min": self.min,
            "max": self.max,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Parse the JSON form."""
        counts = np.zeros(int(data["cells"]), dtype=np.int64)
        for start, *run in data["runs"]:
            counts[start : start + len(run)] = run
        (below, below_sum), (above, above_sum), (total, squares) = data["below"], data["above"], data["sums"]
        return cls(
            NumberGrid(float(data["lo"]), float(data["step"]), int(data["cells"])),
            counts,
            int(below),
            float(below_sum),
            int(above),
            float(above_sum),
            float(total),
            float(squares),
            data["min"],
            data["max"],
        )


def _runs(counts: IntArray) -> list[list[int]]:
    """Return the runs of non-zero counts: the index of the first, then the counts."""
    filled = np.flatnonzero(counts)
    if not len(filled):
        return []
    breaks = np.flatnonzero(np.diff(filled) > 1) + 1
    return [[int(run[0]), *map(int, counts[run])] for run in np.split(filled, breaks)]


def _json_number(value: float) -> float | str:
    """Return the sum, or its text if it overflowed: JSON has no infinity."""
    return value if math.isfinite(value) else str(value)
