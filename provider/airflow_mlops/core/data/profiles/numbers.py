"""What is counted of a column of numbers: a grid of equal cells, and sums of what lies outside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

CELLS = 2048
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal cells on the number line.

    :param lo: the left edge.
    :param step: the width of a cell.
    :param cells: how many there are.
    """

    lo: float
    step: float
    cells: int = CELLS

    @property
    def hi(self) -> float:
        """The right edge."""
        return self.lo + self.step * self.cells

    def edge(self, index: float) -> float:
        """Give the place of an edge, counted in cells from the left."""
        return self.lo + self.step * index


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """What was counted of a column of numbers. Sums are in cells, so that no unit is too large or too small.

    :param grid: the cells.
    :param counts: values by cell.
    :param below: how many values lie left of the grid.
    :param below_sum: the sum of their distances from it, in cells.
    :param above: how many lie right of it.
    :param above_sum: the sum of their distances, in cells.
    :param total: the sum of all values, in cells from the grid's middle.
    :param squares: the sum of the squares of the same.
    :param min: the least value, None without values.
    :param max: the greatest value.
    """

    grid: Grid
    counts: Whole
    below: int = 0
    below_sum: float = 0.0
    above: int = 0
    above_sum: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    min: float | None = None
    max: float | None = None

    @classmethod
    def of(cls, grid: Grid, values: npt.ArrayLike, rows: npt.ArrayLike) -> Self:
        """Count values that are already grouped.

        :param grid: the cells.
        :param values: finite values; shape (groups,).
        :param rows: how many rows have each.
        """
        given, weights = np.asarray(values, dtype=np.float64), np.asarray(rows, dtype=np.float64)
        given, weights = given[weights > 0], weights[weights > 0]
        place = (given - grid.lo) * (1.0 / grid.step)
        index = np.clip(place + 1.0, 0, grid.cells + 1).astype(np.int64)  # cell 0 is 'below', the last 'above'
        counts = np.bincount(index, weights=weights, minlength=grid.cells + 2).astype(np.int64)
        below, above, middle = index == 0, index == grid.cells + 1, place - grid.cells / 2
        return cls(
            grid,
            counts[1:-1],
            int(counts[0]),
            float((-place[below] * weights[below]).sum()),
            int(counts[-1]),
            float(((place[above] - grid.cells) * weights[above]).sum()),
            float((middle * weights).sum()),
            float((middle * middle * weights).sum()),
            float(given.min()) if len(given) else None,
            float(given.max()) if len(given) else None,
        )

    @property
    def count(self) -> int:
        """How many values there are."""
        return int(self.counts.sum()) + self.below + self.above

    @property
    def mean(self) -> float:
        """The mean; NaN without values."""
        return self.grid.edge(self.grid.cells / 2 + self.total / self.count) if self.count else math.nan

    @property
    def std(self) -> float:
        """The standard deviation (not corrected by one); NaN without values, 0 for a constant."""
        if not self.count:
            return math.nan
        if self.min == self.max:
            return 0.0
        variance = self.squares / self.count - (self.total / self.count) ** 2
        return math.sqrt(max(0.0, variance)) * self.grid.step

    def quantile(self, q: float) -> float:
        """Estimate a quantile, for display: straight lines within a cell and over each tail.

        :param q: the share of values to its left, 0 to 1.
        """
        if not self.count or self.min is None or self.max is None:
            return math.nan
        shares = np.concatenate([[0, self.below], self.below + np.cumsum(self.counts), [self.count]])
        grid = self.grid
        edges = [
            min(self.min, grid.lo),
            *(grid.lo + grid.step * np.arange(grid.cells + 1)),
            max(self.max, grid.hi),
        ]
        target, last = q * self.count, len(shares) - 1
        right = min(int(np.searchsorted(shares, target, side="left")), last)
        left = max(right - 1, 0)
        inside = (target - shares[left]) / (shares[right] - shares[left]) if shares[right] > shares[left] else 0.0
        return float(min(max(edges[left] + inside * (edges[right] - edges[left]), self.min), self.max))

    def merged(self, other: Numbers) -> Numbers:
        """Give the counts of both; the grids are the same."""
        mins = [m for m in (self.min, other.min) if m is not None]
        maxs = [m for m in (self.max, other.max) if m is not None]
        return Numbers(
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
        """Give the JSON form: only runs of cells that hold something."""
        return {
            "lo": self.grid.lo,
            "step": self.grid.step,
            "cells": self.grid.cells,
            "runs": _runs(self.counts),
            "below": [self.below, _word(self.below_sum)],
            "above": [self.above, _word(self.above_sum)],
            "sums": [_word(self.total), _word(self.squares)],
            "min": self.min,
            "max": self.max,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the counts back."""
        counts = np.zeros(int(data["cells"]), dtype=np.int64)
        for start, *run in data["runs"]:
            counts[start : start + len(run)] = run
        (below, below_sum), (above, above_sum), (total, squares) = data["below"], data["above"], data["sums"]
        return cls(
            Grid(float(data["lo"]), float(data["step"]), int(data["cells"])),
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


def _runs(counts: Whole) -> list[list[int]]:
    """List the runs without a zero: where each starts, then its counts."""
    filled = np.flatnonzero(counts)
    if not len(filled):
        return []
    breaks = np.flatnonzero(np.diff(filled) > 1) + 1
    return [[int(run[0]), *map(int, counts[run])] for run in np.split(filled, breaks)]


def _word(value: float) -> float | str:
    """Keep a sum that overflowed: JSON has no word for it."""
    return value if math.isfinite(value) else str(value)
