"""Counting rows into a profile with Polars and NumPy, slice by slice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from airflow_mlops.core.data.frames import SLICE_ROWS, Table, open_table
from airflow_mlops.core.data.profiles.categories import MOST_NAMES, Categories, Overflow
from airflow_mlops.core.data.profiles.model import ColumnProfile, Kind, Profile
from airflow_mlops.core.data.profiles.numbers import CELLS, Grid, Numbers
from airflow_mlops.core.data.profiles.sketch import LONGEST_NAME, DistinctSketch, short_name, stable_hashes
from airflow_mlops.core.errors import BadInput

SAMPLE_ROWS = 262_144
BLOCK = 32_768  # values counted at a time: small enough to stay in the processor's cache
MOST_HELD = 65_536  # names held in memory before a column overflows
OUTSIDE = 1e-4  # the share of values that the grid may leave outside on each side
MARGIN = 0.02
FAR = 20.0  # how far the grid may reach beyond the middle nine tenths, in their widths
LARGEST = 1e300
Values = npt.NDArray[np.float64]


def scan_profile(
    data: Any,
    *,
    columns: Sequence[str] | Mapping[str, str] | None,
    like: Profile | None,
    cluster: str | None,
) -> Profile:
    """Do what :func:`airflow_mlops.core.data.profile` says."""
    table = open_table(data)
    if cluster is None and like is not None:
        cluster = like.cluster
    if cluster is not None and cluster not in table.schema:
        raise BadInput(f"there is no cluster column {cluster!r}", where=table.where, mend=_has(table))
    kinds = _kinds(table, columns, like)
    exprs = [expression(name, table.schema[name], kind) for name, kind in kinds.items()]
    sample = None
    if like is None and table.rows > SLICE_ROWS:
        wide = [name for name, kind in kinds.items() if kind in ("number", "date")]
        sample = table.sample(wide, SAMPLE_ROWS).select(expression(n, table.schema[n], kinds[n]) for n in wide)
    counters: dict[str, _Counter] = {}
    rows, clusters = 0, None if cluster is None else DistinctSketch()
    extra = [] if cluster is None else [pl.col(cluster).cast(pl.String).alias("\0cluster")]
    for piece in table.slices():
        read = piece.collect(piece.frame.select(*exprs, *extra))
        rows += piece.rows
        for name, kind in kinds.items():
            if name not in counters:
                first = read[name] if sample is None or name not in sample.columns else sample[name]
                whole = table.schema[name].is_integer() or table.schema[name] == pl.Date
                counters[name] = _counter(kind, like.columns.get(name) if like else None, first, whole)
            counters[name].add(read[name])
        if clusters is not None:
            clusters.add(stable_hashes(read["\0cluster"].drop_nulls().unique().to_list()))
    for name, kind in kinds.items():
        if name not in counters:
            nothing = pl.DataFrame(schema=table.schema).select(expression(name, table.schema[name], kind))[name]
            counters[name] = _counter(kind, like.columns.get(name) if like else None, nothing, whole=False)
    return Profile(rows, {name: counters[name].finish() for name in kinds}, cluster, clusters)


def _has(table: Table) -> str:
    return f"it has {list(table.schema)[:30]}"


def _kinds(table: Table, columns: Sequence[str] | Mapping[str, str] | None, like: Profile | None) -> dict[str, Kind]:
    """Settle which columns are counted, and as what."""
    wanted: dict[str, str | None]
    if columns is None:
        wanted = {n: c.kind for n, c in like.columns.items()} if like else dict.fromkeys(table.schema)
        wanted = {name: kind for name, kind in wanted.items() if name in table.schema}
    else:
        wanted = dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns)
        if missing := [name for name in wanted if name not in table.schema]:
            raise BadInput(f"there is no column {missing[:5]}", where=table.where, mend=_has(table))
        if unknown := {kind for kind in wanted.values() if kind} - {*get_args(Kind)}:
            raise BadInput(f"there is no kind {sorted(unknown)}", mend=f"the kinds are {get_args(Kind)}")
        if like:
            wanted = {n: like.columns[n].kind if n in like.columns else kind for n, kind in wanted.items()}
    return {
        name: cast(Kind, kind) if kind and _can_be(table.schema[name], kind) else natural_kind(table.schema[name])
        for name, kind in wanted.items()
    }


def natural_kind(dtype: pl.DataType) -> Kind:
    """Say of which kind a column of this type is when nobody says otherwise."""
    if dtype.is_numeric() or dtype in (pl.Duration, pl.Time):
        return "number"
    if dtype == pl.Boolean:
        return "bool"
    if dtype in (pl.Date, pl.Datetime):
        return "date"
    return "category" if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null) else "other"


def _can_be(dtype: pl.DataType, kind: str) -> bool:
    """Say whether values of this type can be counted as this kind."""
    natural = natural_kind(dtype)
    if dtype == pl.Null or natural == kind or kind == "other":
        return True
    return {
        "number": natural == "bool",
        "category": natural in ("number", "bool", "date"),
        "bool": dtype.is_numeric(),
        "date": dtype == pl.String,
    }[kind]


def expression(name: str, dtype: pl.DataType, kind: Kind) -> pl.Expr:
    """Give the expression that turns a column into what is counted: floats, or names."""
    column = pl.col(name)
    if kind == "other":
        return column.is_null().alias(name)
    if dtype == pl.Null:
        return column.cast(pl.Float64 if kind in ("number", "date") else pl.String)
    if kind == "number":
        return _as_number(column, dtype)
    if kind == "date":
        return _as_days(column, dtype)
    return _as_name(column, dtype, kind)


def _as_number(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Duration:
        return column.dt.total_microseconds().cast(pl.Float64) / 1e6
    if dtype == pl.Time:
        return column.cast(pl.Int64).cast(pl.Float64) / 1e9
    return column.cast(pl.Float64)


def _as_days(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Date:
        return column.cast(pl.Int32).cast(pl.Float64)
    if dtype == pl.String:
        column = column.str.to_datetime(time_unit="us", strict=False)
    return column.dt.timestamp("us").cast(pl.Float64) / 86_400e6


def _as_name(column: pl.Expr, dtype: pl.DataType, kind: Kind) -> pl.Expr:
    if dtype == pl.Boolean:
        return pl.when(column).then(pl.lit("true")).when(~column).then(pl.lit("false")).alias(column.meta.output_name())
    if dtype.is_float():
        whole = (column == column.round()) & (column.abs() < 2.0**53)
        text = (
            pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
        )
        column = pl.when(column.is_not_nan()).then(text).alias(column.meta.output_name())
    elif dtype != pl.Categorical:
        column = column.cast(pl.String)
    if kind == "bool":
        column = column.replace({"1": "true", "0": "false"})
    return column


def _counter(kind: Kind, like: ColumnProfile | None, first: pl.Series, whole: bool) -> _Counter:
    """Make the counter of a column: over the reference's cells, or over cells that fit its first values."""
    if like is not None and like.kind != kind:
        like = None
    if kind in ("number", "date"):
        grid = like.numbers.grid if like and like.numbers else choose_grid(first.drop_nulls().to_numpy(), whole=whole)
        return _NumberCounter(kind, grid)
    if kind in ("category", "bool"):
        return _NameCounter(kind, like.categories if like else None)
    return _Counter(kind)


def choose_grid(values: Values, *, whole: bool = False) -> Grid:
    """Choose cells for a column: nearly all of its values inside, a little room on each side.

    Whole numbers get cells centred on them, one each where 2048 suffice, so that no cell mixes more than its
    neighbours do.

    :param values: values of the column; those that are not finite are left out.
    :param whole: the column's type holds whole numbers only. Floats that all are whole are found here.
    """
    values = values[np.isfinite(values)]
    if len(values) > SAMPLE_ROWS:
        values = values[:: -(-len(values) // SAMPLE_ROWS)]
    if not len(values):
        return Grid(-0.5 - CELLS // 2 if whole else -1.0, 1.0 if whole else 2.0 / CELLS)
    lo, hi = _nearly_all(np.clip(values, -LARGEST, LARGEST))
    in_reach = lo < hi and max(abs(lo), abs(hi)) < 2.0**40
    if in_reach and (whole or bool((values == np.rint(values)).all())):
        return _whole_grid(math.floor(lo), math.ceil(hi))
    room = (hi - lo) * MARGIN
    step = (hi - lo + 2 * room) / CELLS
    if step > 1e-13 * max(abs(lo), abs(hi)) and step > 1e-300:
        return Grid(lo - room, step)
    step = max(abs(lo) * 1e-6, 1e-290) if lo else 1e-6  # one value: put it in the middle of a narrow cell
    return Grid(lo - step * (CELLS // 2 + 0.5), step)


def _whole_grid(lo: int, hi: int) -> Grid:
    """Put whole numbers in the middle of cells, as narrow as they can be for the range.

    Distances between whole numbers are exact then, and a column that stops being whole is still seen. Widths
    below one are powers of two, so that every edge is an exact float.
    """
    widest = (hi - lo + 1) * (1 + 2 * MARGIN) / CELLS
    step = float(math.ceil(widest)) if widest > 1 else 2.0 ** math.ceil(math.log2(widest))
    return Grid((lo + hi) // 2 - step * (CELLS // 2) - min(step, 1.0) / 2, step)


def _nearly_all(values: Values) -> tuple[float, float]:
    """Give the quantiles between which nearly all values lie; of all values when these are the same.

    Few values far away must not make the cells of all others coarse: sums outside the grid stand for them.
    """
    last = len(values) - 1
    places = [0, int(OUTSIDE * last), int(0.05 * last)]
    ordered = np.partition(values, [*places, *(last - p for p in places)])
    (least, lo, low), (most, hi, high) = (
        [float(ordered[p]) for p in side] for side in (places, [last - p for p in places])
    )
    if low < high:
        return max(lo, low - FAR * (high - low)), min(hi, high + FAR * (high - low))
    return (lo, hi) if lo < hi else (least, most)


class _Counter:
    """Counts what every column has: rows and missing values.

    :param kind: the column's kind.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind, self.rows, self.missing, self.non_finite = kind, 0, 0, 0

    def add(self, column: pl.Series) -> None:
        """Count a slice in. A column of the kind ``other`` comes as 'is it missing?'."""
        self.rows += len(column)
        self.missing += int(column.sum())

    def finish(self) -> ColumnProfile:
        """Give what was counted."""
        return ColumnProfile(self.kind, self.rows, self.missing, self.non_finite)


class _NumberCounter(_Counter):
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

    def add(self, column: pl.Series) -> None:
        """Count a slice in."""
        self.rows += len(column)
        if column.null_count():
            self.missing += column.null_count()
            column = column.drop_nulls()
        values = column.to_numpy()
        with np.errstate(over="ignore", invalid="ignore"):
            all_finite = math.isfinite(float(values.sum()))
        if not all_finite:
            finite = np.isfinite(values)
            nan = int(np.isnan(values).sum())
            self.missing += nan
            self.non_finite += len(values) - int(finite.sum()) - nan
            values = values[finite]
        if len(values):
            self.min, self.max = min(self.min, float(values.min())), max(self.max, float(values.max()))
        for start in range(0, len(values), BLOCK):
            self._add_block(values[start : start + BLOCK])

    def _add_block(self, values: Values) -> None:
        cells = self.grid.cells
        with np.errstate(over="ignore"):
            place = (values - self.grid.lo) * (1.0 / self.grid.step)
            place += 1.0  # cell 0 is 'below', cell cells + 1 is 'above'
            index = np.clip(place, 0, cells + 1).astype(np.int64)
            counted = np.bincount(index, minlength=cells + 2)
            self.counts += counted
            if counted[0]:
                self.sums[0] += float((1.0 - place[index == 0]).sum())
            if counted[-1]:
                self.sums[1] += float((place[index == cells + 1] - (cells + 1)).sum())
            place -= cells / 2 + 1.0
            self.sums[2] += float(place.sum())
            self.sums[3] += float(np.dot(place, place))

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


class _NameCounter(_Counter):
    """Counts categories by name, and by hash when there are too many.

    :param kind: ``category`` or ``bool``.
    :param like: the reference's categories, whose base is used.
    """

    def __init__(self, kind: Kind, like: Categories | None) -> None:
        super().__init__(kind)
        self.base = None if like is None else like.base
        self.counts: dict[str, int] = {}
        self.overflow = Overflow.of([], []) if like is not None and like.overflow is not None else None

    def add(self, column: pl.Series) -> None:
        """Count a slice in."""
        self.rows += len(column)
        self.missing += column.null_count()
        counted = (
            column.rename("name").drop_nulls().value_counts(name="rows").with_columns(pl.col("name").cast(pl.String))
        )
        names = counted["name"]
        if len(names) and int(cast(int, names.str.len_chars().max())) > LONGEST_NAME:
            names = pl.Series("name", [short_name(name) for name in names.to_list()])
        if self.overflow is None and len(self.counts) + len(names) <= MOST_HELD:
            self._hold(names, counted["rows"])
            return
        if self.overflow is None:
            self.overflow = Overflow.of(list(self.counts), list(self.counts.values()))
        self.overflow = self.overflow.merged(Overflow.of(names.to_list(), counted["rows"].to_numpy()))
        if self.base is None:
            self._hold(names, counted["rows"])
            self.base = self._most_frequent()
            self._let_go()
            return
        named = names.is_in(list(self.base or ()))
        self._hold(names.filter(named), counted["rows"].filter(named))
        self._let_go()

    def _hold(self, names: pl.Series, rows: pl.Series) -> None:
        for name, count in zip(names.to_list(), rows.to_list(), strict=True):
            self.counts[name] = self.counts.get(name, 0) + count

    def _let_go(self) -> None:
        named = set(self.base or ())
        self.counts = {name: count for name, count in self.counts.items() if name in named}

    def _most_frequent(self) -> tuple[str, ...]:
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(name for name, _ in ranked[:MOST_NAMES])

    def finish(self) -> ColumnProfile:
        """Give what was counted."""
        base = self._most_frequent() if self.base is None else self.base
        overflow = self.overflow
        if overflow is None and self.base is None and len(self.counts) > MOST_NAMES:
            overflow = Overflow.of(list(self.counts), list(self.counts.values()))
        categories = Categories.of(base, self.counts, overflow)
        return ColumnProfile(self.kind, self.rows, self.missing, self.non_finite, categories=categories)
