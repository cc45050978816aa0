"""Profiles: a few kilobytes a column that stand for the data and add up.

A number is counted on a grid of equal cells with the sums of what lies outside, so that distances between
distributions come out of two profiles almost exactly; a category is counted by name up to a cap. What is
counted depends on the cells alone, never on the order of rows: profiles over the same cells merge, in any
order and grouping, into the profile of the whole. ``profile(data, like=reference)`` takes the cells of the
reference.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast

import numpy as np
import numpy.typing as npt

from airflow_mlops.core.data.sketch import DistinctSketch, stable_hashes
from airflow_mlops.core.errors import BadInput

FORMAT = 1
CELLS = 2048
MOST_NAMES = 200
BUCKETS = 256
MEND_LIKE = "profile it with like=<the other profile>, so that both count over the same cells"

Kind = Literal["number", "category", "bool", "date", "other"]
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


@dataclass(frozen=True, slots=True, eq=False)
class Overflow:
    """What stays of a column with too many names: counts by hash, which need no names to compare and to add.

    :param buckets: values by hash of their name, all names together.
    :param distinct: a sketch of how many names there were.
    """

    buckets: Whole
    distinct: DistinctSketch

    @classmethod
    def of(cls, names: Sequence[str], counts: npt.ArrayLike) -> Self:
        """Count names by hash."""
        hashes, sketch = stable_hashes(names), DistinctSketch()
        sketch.add(hashes)
        places = (hashes % np.uint64(BUCKETS)).astype(np.int64)
        weights = np.asarray(counts, dtype=np.float64)
        return cls(np.bincount(places, weights=weights, minlength=BUCKETS).astype(np.int64), sketch)

    def merged(self, other: Overflow) -> Overflow:
        """Give the counts of both."""
        return Overflow(self.buckets + other.buckets, self.distinct.merged(other.distinct))


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """What was counted of a column of categories.

    :param base: the names that are always counted: the 200 most frequent of the reference, ties by name.
    :param counts: name -> rows, of the base and, while they are at most 200 more, of all other names.
    :param overflow: counts by hash once there were more; then a name outside the base is only in ``other``.
    """

    base: tuple[str, ...]
    counts: Mapping[str, int]
    overflow: Overflow | None = None

    @classmethod
    def of(cls, base: tuple[str, ...], counts: Mapping[str, int], overflow: Overflow | None = None) -> Self:
        """Count names over a base, and let go of the names outside it when they are too many."""
        seen = {name: count for name, count in counts.items() if count}
        named = set(base)
        if overflow is None and sum(name not in named for name in seen) > MOST_NAMES:
            overflow = Overflow.of(list(seen), list(seen.values()))
        if overflow is not None:
            seen = {name: count for name, count in seen.items() if name in named}
        return cls(base, seen, overflow)

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(self.counts.values()) if self.overflow is None else int(self.overflow.buckets.sum())

    @property
    def other(self) -> int:
        """How many values have a name that is not kept."""
        return self.count - sum(self.counts.values())

    @property
    def distinct(self) -> int:
        """How many names there are: exact while all are kept, else an estimate to about 3 %."""
        return len(self.counts) if self.overflow is None else self.overflow.distinct.estimate()

    @property
    def buckets(self) -> Whole:
        """Values by hash of their name."""
        return self._overflow().buckets

    def top(self, limit: int = 5) -> dict[str, float]:
        """Give the largest shares, ties by name."""
        largest = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return {name: count / self.count for name, count in largest}

    def merged(self, other: Categories) -> Categories:
        """Give the counts of both; the bases are the same."""
        both = {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in {**self.counts, **other.counts}}
        if self.overflow is None and other.overflow is None:
            return Categories.of(self.base, both)
        return Categories.of(self.base, both, self._overflow().merged(other._overflow()))

    def _overflow(self) -> Overflow:
        return self.overflow or Overflow.of(list(self.counts), list(self.counts.values()))

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        more = {name: count for name, count in self.counts.items() if name not in set(self.base)}
        body: dict[str, Any] = {"base": list(self.base), "counts": [self.counts.get(n, 0) for n in self.base]}
        body["more"] = dict(sorted(more.items()))
        if self.overflow is not None:
            body["buckets"] = [int(c) for c in self.overflow.buckets]
            body["distinct"] = self.overflow.distinct.to_text()
        return body

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the counts back."""
        overflow = None
        if "buckets" in data:
            buckets = np.array(data["buckets"], dtype=np.int64)
            overflow = Overflow(buckets, DistinctSketch.from_text(data["distinct"]))
        counts = {**dict(zip(data["base"], data["counts"], strict=True)), **data["more"]}
        return cls(tuple(data["base"]), {name: int(count) for name, count in counts.items() if count}, overflow)


@dataclass(frozen=True, slots=True, eq=False)
class ColumnProfile:
    """What was counted of one column.

    :param kind: ``number``, ``category`` (text too), ``bool``, ``date`` (counted as days since 1970, in UTC)
        or ``other`` (nested or binary: only missing values are counted).
    :param rows: all rows.
    :param missing: rows without a value: null or NaN.
    :param non_finite: rows with an infinite value; they are in no cell and no sum.
    :param numbers: the counts of a ``number`` or a ``date``.
    :param categories: the counts of a ``category`` or a ``bool``.
    """

    kind: Kind
    rows: int
    missing: int = 0
    non_finite: int = 0
    numbers: Numbers | None = None
    categories: Categories | None = None

    @property
    def count(self) -> int:
        """Rows with a usable value."""
        return self.rows - self.missing - self.non_finite

    @property
    def missing_share(self) -> float:
        """The share of rows without a value; NaN without rows."""
        return self.missing / self.rows if self.rows else math.nan

    @property
    def mean(self) -> float:
        """The mean of a number or a date; NaN for others."""
        return self.numbers.mean if self.numbers else math.nan

    @property
    def std(self) -> float:
        """The standard deviation of a number or a date; NaN for others."""
        return self.numbers.std if self.numbers else math.nan

    @property
    def distinct(self) -> int | None:
        """How many names a category has."""
        return self.categories.distinct if self.categories else None

    def quantile(self, q: float) -> float:
        """Estimate a quantile of a number or a date, for display."""
        return self.numbers.quantile(q) if self.numbers else math.nan

    def same_cells(self, other: ColumnProfile) -> bool:
        """Say whether both count over the same cells."""
        mine, theirs = self.numbers, other.numbers
        if self.kind != other.kind or (mine is None) != (theirs is None):
            return False
        if mine is not None and theirs is not None and mine.grid != theirs.grid:
            return False
        bases = [set(c.base) if c else None for c in (self.categories, other.categories)]
        return bases[0] == bases[1]

    def merged(self, other: ColumnProfile) -> ColumnProfile:
        """Give the counts of both; the cells are the same."""
        return ColumnProfile(
            self.kind,
            self.rows + other.rows,
            self.missing + other.missing,
            self.non_finite + other.non_finite,
            self.numbers.merged(other.numbers) if self.numbers and other.numbers else None,
            self.categories.merged(other.categories) if self.categories and other.categories else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        body: dict[str, Any] = {"kind": self.kind, "rows": self.rows, "missing": self.missing}
        body["non_finite"] = self.non_finite
        if self.numbers:
            body["numbers"] = self.numbers.to_dict()
        if self.categories:
            body["categories"] = self.categories.to_dict()
        return body

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read one column back."""
        return cls(
            cast(Kind, data["kind"]),
            int(data["rows"]),
            int(data["missing"]),
            int(data["non_finite"]),
            Numbers.from_dict(data["numbers"]) if "numbers" in data else None,
            Categories.from_dict(data["categories"]) if "categories" in data else None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What stands for a dataset: small, additive, and written beside the model that was trained on it.

    :param rows: how many rows there are.
    :param columns: column name -> its counts.
    :param cluster: the column that says which rows belong together.
    :param clusters: a sketch of how many such groups there are.
    """

    rows: int
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    cluster: str | None = None
    clusters: DistinctSketch | None = None

    @property
    def rows_clusters(self) -> int | None:
        """How many groups of rows there are, to about 3 %; None without a cluster column."""
        return None if self.clusters is None else min(self.rows, self.clusters.estimate())

    @property
    def effective_rows(self) -> int:
        """How many independent rows the tests may count on: groups where they are known, else rows."""
        return self.rows if self.rows_clusters is None else self.rows_clusters

    def merge(self, other: Profile) -> Profile:
        """Give the profile of both parts, exactly as if their rows had been profiled together.

        :raises BadInput: when they do not have the same columns over the same cells.
        """
        if set(self.columns) != set(other.columns):
            different = sorted(set(self.columns) ^ set(other.columns))
            raise BadInput(f"the profiles have other columns: {different[:5]}", mend=MEND_LIKE)
        if self.cluster != other.cluster:
            raise BadInput(f"the profiles have other clusters: {self.cluster} and {other.cluster}", mend=MEND_LIKE)
        for name, column in self.columns.items():
            if not column.same_cells(other.columns[name]):
                raise BadInput("the profiles count over other cells", where=f"column {name}", mend=MEND_LIKE)
        clusters = self.clusters.merged(other.clusters) if self.clusters and other.clusters else None
        columns = {name: column.merged(other.columns[name]) for name, column in self.columns.items()}
        return Profile(self.rows + other.rows, columns, self.cluster, clusters)

    def to_dict(self) -> dict[str, Any]:
        """Give the versioned JSON form, about 10 kB a number and 5 kB a category at most."""
        return {
            "format": FORMAT,
            "rows": self.rows,
            "cluster": self.cluster,
            "clusters": None if self.clusters is None else self.clusters.to_text(),
            "columns": {name: column.to_dict() for name, column in self.columns.items()},
        }

    def to_json(self) -> str:
        """Give the JSON text, without spaces."""
        return json.dumps(self.to_dict(), allow_nan=False, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a profile back.

        :raises BadInput: when the format is not one that this version reads, or the profile is damaged.
        """
        if data.get("format") != FORMAT:
            raise BadInput(
                f"profile format {data.get('format')!r} is not readable here (this version reads {FORMAT})",
                mend="profile the data again, or read it with the airflow-provider-mlops that wrote it",
            )
        try:
            columns = {name: ColumnProfile.from_dict(column) for name, column in data["columns"].items()}
            sketch = None if data["clusters"] is None else DistinctSketch.from_text(data["clusters"])
            return cls(int(data["rows"]), columns, data["cluster"], sketch)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise BadInput(f"the profile is damaged: {error!r}", mend="profile the data again") from None

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a profile back from its JSON text."""
        try:
            data = json.loads(text)
        except ValueError as error:
            raise BadInput(f"the profile is not JSON: {error}", mend="profile the data again") from None
        return cls.from_dict(data)

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Profile) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


def profile(
    data: Any,
    *,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    like: Profile | None = None,
    cluster: str | None = None,
) -> Profile:
    """Profile rows in one scan, in slices of about a million rows.

    :param data: a Parquet path, a list of them, a ``Snapshot``, a Polars or a pandas frame.
    :param columns: only these; a mapping also says of which kind each is (``Contract.kinds``). Without it all
        columns, or with ``like`` those of the reference.
    :param like: a reference: its kinds and cells are used, so that both compare cell by cell and merge.
        A column that the data does not have is left out, one that cannot be of the reference's kind keeps its
        own. Without it cells are chosen from the data (from a sample spread over it, past a million rows).
    :param cluster: the column that says which rows belong together; by default that of ``like``.
    :raises BadInput: when the data cannot be read, or has no such column.
    """
    from airflow_mlops.core.data.scan import (
        scan_profile,
    )  # Polars is needed for this, not for judging profiles

    return scan_profile(data, columns=columns, like=like, cluster=cluster)
