"""Counting a column slice by slice, with NumPy and Polars."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
import polars as pl

from airflow_mlops.core.data.profiles import text
from airflow_mlops.core.data.profiles.categories import MOST_NAMES, Categories, Overflow
from airflow_mlops.core.data.profiles.column import Column
from airflow_mlops.core.data.profiles.grid import Values, choose_grid
from airflow_mlops.core.data.profiles.hash_counter import Among, HashCounter, counted, heaviest
from airflow_mlops.core.data.profiles.kinds import named
from airflow_mlops.core.data.profiles.model import ColumnProfile, Kind
from airflow_mlops.core.data.profiles.names import clean_name, name_hashes
from airflow_mlops.core.data.profiles.numbers import Grid, Numbers

BLOCK = 32_768  # values counted at a time: small enough to stay in the processor's cache
MOST_HELD = 65_536  # names held in memory before a column overflows
BELOW = float(np.nextafter(1.0, 0.0))  # the greatest place in the cell 'below'
PROBE = 16_384  # values that are looked at first: a column with too many names shows it soon
SPREAD = int(MOST_HELD * -math.expm1(-PROBE / MOST_HELD))  # different ones expected of as many names as are held
_HELD = {"name": pl.String, "rows": pl.Int64}


def counter(kind: Kind, like: ColumnProfile | None, first: Column) -> Counter:
    """Make the counter of a column: over the reference's cells, or over cells that fit its first values.

    :param like: the column in the reference.
    :param first: some of its rows; they are read when cells have to be chosen.
    """
    if like is not None and like.kind != kind:
        like = None
    if kind in ("number", "date"):
        return NumberCounter(kind, like.numbers.grid if like and like.numbers else _grid(first))
    if kind in ("category", "bool"):
        return NameCounter(kind, like.categories if like else None)
    return Counter(kind)


def _grid(first: Column) -> Grid:
    whole = first.dtype.is_integer() or first.dtype == pl.Date
    return choose_grid(first.present().to_numpy(), whole=whole)


class Counter:
    """Counts what every column has: rows and missing values.

    :param kind: the column's kind.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind, self.rows, self.missing, self.non_finite = kind, 0, 0, 0

    def add(self, column: Column) -> None:
        """Count a slice in. A column of the kind ``other`` comes as 'is it missing?'."""
        self.rows += column.piece.rows
        self.missing += int(column.values().sum())

    def finish(self) -> ColumnProfile:
        """Give what was counted."""
        return ColumnProfile(self.kind, self.rows, self.missing, self.non_finite)


class NumberCounter(Counter):
    """Counts numbers on a grid.

    :param kind: ``number`` or ``date``.
    :param grid: the cells.
    """

    def __init__(self, kind: Kind, grid: Grid) -> None:
        super().__init__(kind)
        self.grid = grid
        self.counts = np.zeros(grid.cells + 2, dtype=np.int64)
        self.sums = np.zeros(4)  # below, above, total, squares
        self.min, self.max = math.inf, -math.inf

    def add(self, column: Column) -> None:
        """Count a slice in."""
        values = column.present()
        self.rows += column.piece.rows
        self.missing += column.piece.rows - len(values)
        scratch = _Scratch(min(BLOCK, len(values)))
        for start in range(0, len(values), BLOCK):
            finite = self._finite(values.slice(start, BLOCK).to_numpy())
            if len(finite):
                self._add_block(finite, scratch)

    def _finite(self, values: Values) -> Values:
        """Count and take out what is not a finite number, and keep the extremes of the others."""
        if not len(values):
            return values
        least, most = float(values.min()), float(values.max())  # NaN when one is
        if not (math.isfinite(least) and math.isfinite(most)):
            finite, nan = np.isfinite(values), int(np.isnan(values).sum())
            self.missing += nan
            self.non_finite += len(values) - int(finite.sum()) - nan
            values = values[finite]
            least, most = float(values.min(initial=math.inf)), float(values.max(initial=-math.inf))
        self.min, self.max = min(self.min, least), max(self.max, most)
        return values

    def _add_block(self, values: Values, scratch: _Scratch) -> None:
        cells, rows = self.grid.cells, len(values)
        place, inside, index = scratch.place[:rows], scratch.inside[:rows], scratch.index[:rows]
        with np.errstate(over="ignore", invalid="ignore"):
            np.subtract(values, self.grid.lo, out=place)
            np.multiply(place, 1.0 / self.grid.step, out=place)
            np.add(place, 1.0, out=place)  # cell 0 is 'below', cell cells + 1 is 'above'
            np.clip(place, BELOW, cells + 1.0, out=inside)
            np.copyto(index, inside, casting="unsafe")
            self.counts += np.bincount(index, minlength=cells + 2)
            outside = place[np.flatnonzero(place != inside)]
            self.sums[0] += float((1.0 - outside[outside < 1.0]).sum())
            self.sums[1] += float((outside[outside > 1.0] - (cells + 1)).sum())
            np.subtract(place, cells / 2 + 1.0, out=place)
            self.sums[2] += float(place.sum())
            np.multiply(place, place, out=inside)  # np.dot would start threads
            self.sums[3] += float(inside.sum())

    def finish(self) -> ColumnProfile:
        """Give what was counted."""
        seen = self.min <= self.max
        below_sum, above_sum, total, squares = map(float, self.sums)
        numbers = Numbers(
            self.grid,
            self.counts[1:-1],
            int(self.counts[0]),
            below_sum,
            int(self.counts[-1]),
            above_sum,
            total,
            squares,
            self.min if seen else None,
            self.max if seen else None,
        )
        return ColumnProfile(self.kind, self.rows, self.missing, self.non_finite, numbers)


class _Scratch:
    """Memory that the steps of counting write to, instead of new memory for each.

    :param rows: for how many values it is.
    """

    def __init__(self, rows: int) -> None:
        self.place, self.inside, self.index = np.empty(rows), np.empty(rows), np.empty(rows, dtype=np.int64)


class NameCounter(Counter):
    """Counts categories by name, and by hash when there are too many.

    :param kind: ``category`` or ``bool``.
    :param like: the reference's categories, whose base is used.
    """

    def __init__(self, kind: Kind, like: Categories | None) -> None:
        super().__init__(kind)
        self.base = None if like is None else like.base
        self.held: dict[str, int] = {}
        self.hashed = HashCounter() if like is not None and like.overflow is not None else None
        self.held_by_hash = Overflow.of([], [])  # what was held when the column overflowed

    def add(self, column: Column) -> None:
        """Count a slice in."""
        if self.hashed is None and not self.rows and column.piece.rows > PROBE and self._first_too_many(column):
            return
        self.rows += column.piece.rows
        if self.hashed is not None:
            self._add_by_hash(column, self.hashed)
            return
        values, rows = column.groups()
        if self.base is None and len(values) > MOST_HELD:
            self.base = self._most_frequent(values, rows)
            self._add_by_hash(column, self._let_go())
            return
        self.missing += self._hold(values, rows)
        if self._too_many(self.held):
            self._let_go()

    def _hold(self, values: pl.Series, rows: pl.Series) -> int:
        """Count different values by name, and say how many rows have no name."""
        missing = 0
        for name, count in zip(named(values, self.kind).to_list(), rows.to_list(), strict=True):
            if name is None:
                missing += count
            else:
                name = clean_name(name)
                self.held[name] = self.held.get(name, 0) + count
        return missing

    def _first_too_many(self, column: Column) -> bool:
        """Look at the first values of all, as a search for the different ones is dear when there are too many.

        :return: the slice is counted; else it is to be counted, with what was learned.
        """
        first = named(column.head(PROBE).unique(), self.kind).drop_nulls()
        if self.base is None:
            return len(first) > SPREAD and self._add_without_base(column)
        if self._too_many({clean_name(name) for name in first.to_list()}):
            self._let_go()
        return False

    def _too_many(self, names: Collection[str]) -> bool:
        """Say whether so many names mean that the column overflows, however many more may come."""
        if self.base is None:
            return len(names) > MOST_HELD
        return len(names) > MOST_NAMES and len(set(names).difference(self.base)) > MOST_NAMES

    def _let_go(self) -> HashCounter:
        """Turn to counts by hash; only names of the base stay."""
        if self.base is None:
            self.base = _largest(self.held)
        self.held_by_hash = Overflow.of(list(self.held), list(self.held.values()))
        self.held = {name: self.held[name] for name in self.base if name in self.held}
        self.hashed = HashCounter()
        return self.hashed

    def _add_by_hash(self, column: Column, hashed: HashCounter) -> None:
        """Count values by hash; those whose name is in the base by name as well."""
        names = self._names(column)
        self.missing += column.piece.rows - len(names)
        base = Among(name_hashes(self.base or ()))
        found = counted([base.pick(*block) for block in hashed.add(names)])
        found = found.filter(pl.col("name").is_in(self.base or ()))
        self._hold(found["name"], found["rows"])

    def _add_without_base(self, column: Column) -> bool:
        """Count the first slice by hash, and find the base among the values with the most frequent hashes.

        The base is that of a search among all values: whoever is left out occurs less often than its hash, which
        occurs less often than each name of the base.

        :return: it is done; else there are not too many names after all, or their hashes say too little.
        """
        names, hashed = self._names(column), HashCounter()
        hashes = np.concatenate([hashes for _, hashes in hashed.add(names)])
        most = heaviest(hashes, MOST_NAMES, MOST_HELD)
        if most is None:
            return False
        found = counted([text.clean(Among(most[0]).pick(names, hashes))])
        found = found.filter(pl.col("rows") >= most[1])
        if len(found) < MOST_NAMES:  # names share a hash
            return False
        self.base = self._most_frequent(found["name"], found["rows"])
        found = found.filter(pl.col("name").is_in(self.base))
        self._hold(found["name"], found["rows"])
        self.rows, self.missing, self.hashed = column.piece.rows, column.piece.rows - len(names), hashed
        return True

    def _names(self, column: Column) -> pl.Series:
        return named(column.present(), self.kind).drop_nulls()  # NaN has no name

    def _most_frequent(self, values: pl.Series, rows: pl.Series) -> tuple[str, ...]:
        """Find the base among very many values, together with those that are held."""
        names = text.clean(named(values, self.kind))
        held = pl.DataFrame({"name": list(self.held), "rows": list(self.held.values())}, schema=_HELD)
        both = pl.concat([held, pl.DataFrame([names.rename("name"), rows.cast(pl.Int64).rename("rows")])])
        sums = both.lazy().drop_nulls().group_by("name").agg(pl.col("rows").sum())
        ranked = sums.sort("rows", "name", descending=[True, False]).head(MOST_NAMES)
        return tuple(ranked.collect()["name"])

    def finish(self) -> ColumnProfile:
        """Give what was counted."""
        if self.base is None:
            self.base = _largest(self.held)
            if len(self.held) > MOST_NAMES:
                self._let_go()
        overflow = None if self.hashed is None else self.held_by_hash.merged(self.hashed.overflow())
        categories = Categories.of(self.base, self.held, overflow)
        return ColumnProfile(self.kind, self.rows, self.missing, self.non_finite, categories=categories)


def _largest(held: Mapping[str, int]) -> tuple[str, ...]:
    """Give the names that most rows have, ties by name."""
    ranked = sorted(held.items(), key=lambda item: (-item[1], item[0]))
    return tuple(name for name, _ in ranked[:MOST_NAMES])
