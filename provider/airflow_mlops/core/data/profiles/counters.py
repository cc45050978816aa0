"""Counters of columns, updated slice by slice with NumPy and Polars."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
import polars as pl

from airflow_mlops.core.data.profiles import text
from airflow_mlops.core.data.profiles.categories import MAX_NAMES, CategoryCounts, CategoryOverflow
from airflow_mlops.core.data.profiles.column import SliceColumn
from airflow_mlops.core.data.profiles.grid import FloatArray, choose_grid
from airflow_mlops.core.data.profiles.hash_counter import HashCounter, HashFilter, count_by_name, most_frequent_hashes
from airflow_mlops.core.data.profiles.kinds import category_names
from airflow_mlops.core.data.profiles.model import ColumnKind, ColumnProfile
from airflow_mlops.core.data.profiles.names import clean_name, hash_names
from airflow_mlops.core.data.profiles.numbers import NumberGrid, NumberHistogram

BLOCK = 32_768  # values counted at a time: they fit the CPU cache
MAX_NAMES_IN_MEMORY = 65_536  # names counted before a column overflows
BELOW = float(np.nextafter(1.0, 0.0))  # the largest position in the cell 'below'
PROBE_ROWS = 16_384  # values checked first, to detect a column with too many names early
# The expected number of distinct names in the probe of a column with MAX_NAMES_IN_MEMORY equally frequent names.
MAX_PROBE_NAMES = int(MAX_NAMES_IN_MEMORY * -math.expm1(-PROBE_ROWS / MAX_NAMES_IN_MEMORY))
_NAME_COUNTS = {"name": pl.String, "rows": pl.Int64}


def new_counter(kind: ColumnKind, like: ColumnProfile | None, first: SliceColumn) -> ColumnCounter:
    """Return a counter for a column, over the reference's cells or over cells that fit its first values.

    :param like: the column in the reference.
    :param first: some of its rows; read only when cells have to be chosen.
    """
    if like is not None and like.kind != kind:
        like = None
    if kind in ("number", "date"):
        return NumberCounter(kind, like.numbers.grid if like and like.numbers else _grid(first))
    if kind in ("category", "bool"):
        return NameCounter(kind, like.categories if like else None)
    return ColumnCounter(kind)


def _grid(first: SliceColumn) -> NumberGrid:
    integers = first.dtype.is_integer() or first.dtype == pl.Date
    return choose_grid(first.non_null().to_numpy(), integers=integers)


class ColumnCounter:
    """A counter of rows and missing values, for any column.

    :param kind: the column's kind.
    """

    def __init__(self, kind: ColumnKind) -> None:
        self.kind, self.rows, self.missing, self.non_finite = kind, 0, 0, 0

    def add(self, column: SliceColumn) -> None:
        """Count a slice. The values of a column of the kind ``other`` are missing-value flags."""
        self.rows += column.row_slice.rows
        self.missing += int(column.values().sum())

    def finish(self) -> ColumnProfile:
        """Return the counts."""
        return ColumnProfile(self.kind, self.rows, self.missing, self.non_finite)


class NumberCounter(ColumnCounter):
    """A counter of numbers on a grid.

    :param kind: ``number`` or ``date``.
    :param grid: the cells.
    """

    def __init__(self, kind: ColumnKind, grid: NumberGrid) -> None:
        super().__init__(kind)
        self.grid = grid
        self.counts = np.zeros(grid.cells + 2, dtype=np.int64)
        self.sums = np.zeros(4)  # below, above, total, squares
        self.min, self.max = math.inf, -math.inf

    def add(self, column: SliceColumn) -> None:
        """Count a slice."""
        values = column.non_null()
        self.rows += column.row_slice.rows
        self.missing += column.row_slice.rows - len(values)
        scratch = _Scratch(min(BLOCK, len(values)))
        for start in range(0, len(values), BLOCK):
            finite = self._filter_finite(values.slice(start, BLOCK).to_numpy())
            if len(finite):
                self._add_block(finite, scratch)

    def _filter_finite(self, values: FloatArray) -> FloatArray:
        """Count and remove non-finite values, and update the minimum and maximum of the others."""
        if not len(values):
            return values
        lowest, highest = float(values.min()), float(values.max())  # NaN if any value is
        if not (math.isfinite(lowest) and math.isfinite(highest)):
            finite, nan = np.isfinite(values), int(np.isnan(values).sum())
            self.missing += nan
            self.non_finite += len(values) - int(finite.sum()) - nan
            values = values[finite]
            lowest, highest = float(values.min(initial=math.inf)), float(values.max(initial=-math.inf))
        self.min, self.max = min(self.min, lowest), max(self.max, highest)
        return values

    def _add_block(self, values: FloatArray, scratch: _Scratch) -> None:
        cells, rows = self.grid.cells, len(values)
        position, inside, index = scratch.position[:rows], scratch.inside[:rows], scratch.index[:rows]
        with np.errstate(over="ignore", invalid="ignore"):
            np.subtract(values, self.grid.lo, out=position)
            np.multiply(position, 1.0 / self.grid.step, out=position)
            np.add(position, 1.0, out=position)  # cell 0 is 'below', cell cells + 1 is 'above'
            np.clip(position, BELOW, cells + 1.0, out=inside)
            np.copyto(index, inside, casting="unsafe")
            self.counts += np.bincount(index, minlength=cells + 2)
            outside = position[np.flatnonzero(position != inside)]
            self.sums[0] += float((1.0 - outside[outside < 1.0]).sum())
            self.sums[1] += float((outside[outside > 1.0] - (cells + 1)).sum())
            np.subtract(position, cells / 2 + 1.0, out=position)
            self.sums[2] += float(position.sum())
            np.multiply(position, position, out=inside)  # np.dot would start threads
            self.sums[3] += float(inside.sum())

    def finish(self) -> ColumnProfile:
        """Return the counts."""
        has_values = self.min <= self.max
        below_sum, above_sum, total, squares = map(float, self.sums)
        numbers = NumberHistogram(
            self.grid,
            self.counts[1:-1],
            int(self.counts[0]),
            below_sum,
            int(self.counts[-1]),
            above_sum,
            total,
            squares,
            self.min if has_values else None,
            self.max if has_values else None,
        )
        return ColumnProfile(self.kind, self.rows, self.missing, self.non_finite, numbers)


class _Scratch:
    """Preallocated memory for counting a block.

    :param rows: the maximum number of values.
    """

    def __init__(self, rows: int) -> None:
        self.position, self.inside, self.index = np.empty(rows), np.empty(rows), np.empty(rows, dtype=np.int64)


class NameCounter(ColumnCounter):
    """A counter of categories by name, and by hash once there are too many names.

    :param kind: ``category`` or ``bool``.
    :param like: the reference's categories, whose base is used.
    """

    def __init__(self, kind: ColumnKind, like: CategoryCounts | None) -> None:
        super().__init__(kind)
        self.base = None if like is None else like.base
        self.counts: dict[str, int] = {}
        self.hash_counter = HashCounter() if like is not None and like.overflow is not None else None
        self.counts_by_hash = CategoryOverflow.from_names([], [])  # the counts by name when the column overflowed

    def add(self, column: SliceColumn) -> None:
        """Count a slice."""
        if self.hash_counter is None and not self.rows and column.row_slice.rows > PROBE_ROWS and self._probe(column):
            return
        self.rows += column.row_slice.rows
        if self.hash_counter is not None:
            self._add_by_hash(column, self.hash_counter)
            return
        values, rows = column.value_counts()
        if self.base is None and len(values) > MAX_NAMES_IN_MEMORY:
            self.base = self._most_frequent(values, rows)
            self._add_by_hash(column, self._overflow())
            return
        self.missing += self._add_by_name(values, rows)
        if self._too_many(self.counts):
            self._overflow()

    def _add_by_name(self, values: pl.Series, rows: pl.Series) -> int:
        """Count distinct values by name, and return the number of rows without a name."""
        missing = 0
        for name, count in zip(category_names(values, self.kind).to_list(), rows.to_list(), strict=True):
            if name is None:
                missing += count
            else:
                name = clean_name(name)
                self.counts[name] = self.counts.get(name, 0) + count
        return missing

    def _probe(self, column: SliceColumn) -> bool:
        """Check the first values for too many names, because grouping all of them would be expensive.

        :return: True if the slice has been counted; else the caller has to count it.
        """
        first = category_names(column.head(PROBE_ROWS).unique(), self.kind).drop_nulls()
        if self.base is None:
            return len(first) > MAX_PROBE_NAMES and self._add_without_base(column)
        if self._too_many({clean_name(name) for name in first.to_list()}):
            self._overflow()
        return False

    def _too_many(self, names: Collection[str]) -> bool:
        """Check whether the column overflows, whatever names follow."""
        if self.base is None:
            return len(names) > MAX_NAMES_IN_MEMORY
        return len(names) > MAX_NAMES and len(set(names).difference(self.base)) > MAX_NAMES

    def _overflow(self) -> HashCounter:
        """Switch to counts by hash; counts by name remain only for the base."""
        if self.base is None:
            self.base = _most_frequent_names(self.counts)
        self.counts_by_hash = CategoryOverflow.from_names(list(self.counts), list(self.counts.values()))
        self.counts = {name: self.counts[name] for name in self.base if name in self.counts}
        self.hash_counter = HashCounter()
        return self.hash_counter

    def _add_by_hash(self, column: SliceColumn, hash_counter: HashCounter) -> None:
        """Count all values by hash, and those with a name of the base also by name."""
        names = self._names(column)
        self.missing += column.row_slice.rows - len(names)
        base = HashFilter(hash_names(self.base or ()))
        counts = count_by_name([base.select(*block) for block in hash_counter.add(names)])
        counts = counts.filter(pl.col("name").is_in(self.base or ()))
        self._add_by_name(counts["name"], counts["rows"])

    def _add_without_base(self, column: SliceColumn) -> bool:
        """Count the first slice by hash, and choose the base from the values with the most frequent hashes.

        The result is the same as with all values: an excluded name is at most as frequent as its hash, which is less
        frequent than each name of the base.

        :return: False, without any change, when there are not too many names, or their hashes are ambiguous.
        """
        names, hash_counter = self._names(column), HashCounter()
        hashes = np.concatenate([hashes for _, hashes in hash_counter.add(names)])
        frequent = most_frequent_hashes(hashes, MAX_NAMES, MAX_NAMES_IN_MEMORY)
        if frequent is None:
            return False
        counts = count_by_name([text.clean_names(HashFilter(frequent[0]).select(names, hashes))])
        counts = counts.filter(pl.col("rows") >= frequent[1])
        if len(counts) < MAX_NAMES:  # names share a hash
            return False
        self.base = self._most_frequent(counts["name"], counts["rows"])
        counts = counts.filter(pl.col("name").is_in(self.base))
        self._add_by_name(counts["name"], counts["rows"])
        rows = column.row_slice.rows
        self.rows, self.missing, self.hash_counter = rows, rows - len(names), hash_counter
        return True

    def _names(self, column: SliceColumn) -> pl.Series:
        return category_names(column.non_null(), self.kind).drop_nulls()  # NaN has no name

    def _most_frequent(self, values: pl.Series, rows: pl.Series) -> tuple[str, ...]:
        """Choose the base from very many values and the names counted so far."""
        names = text.clean_names(category_names(values, self.kind))
        counts = pl.DataFrame({"name": list(self.counts), "rows": list(self.counts.values())}, schema=_NAME_COUNTS)
        both = pl.concat([counts, pl.DataFrame([names.rename("name"), rows.cast(pl.Int64).rename("rows")])])
        sums = both.lazy().drop_nulls().group_by("name").agg(pl.col("rows").sum())
        ranked = sums.sort("rows", "name", descending=[True, False]).head(MAX_NAMES)
        return tuple(ranked.collect()["name"])

    def finish(self) -> ColumnProfile:
        """Return the counts."""
        if self.base is None:
            self.base = _most_frequent_names(self.counts)
            if len(self.counts) > MAX_NAMES:
                self._overflow()
        overflow = None if self.hash_counter is None else self.counts_by_hash.merge(self.hash_counter.overflow())
        categories = CategoryCounts.from_counts(self.base, self.counts, overflow)
        return ColumnProfile(self.kind, self.rows, self.missing, self.non_finite, categories=categories)


def _most_frequent_names(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the most frequent names, ties by name."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(name for name, _ in ranked[:MAX_NAMES])
