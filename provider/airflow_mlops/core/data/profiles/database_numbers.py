# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""Counting numbers in SQL: over the same cells, and with the same arithmetic, as files are counted.

A value's place is ``(x - lo) * (1 / step) + 1``, in double precision, cut down to a whole number: 0 is below the grid,
``cells + 1`` above it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from airflow_mlops.core.data.database import Reader
from airflow_mlops.core.data.profiles.grid import grid_of, ordered_places
from airflow_mlops.core.data.profiles.numbers import Grid, Numbers
from airflow_mlops.core.data.sql.dialect import Dialect

MISSING, NON_FINITE = -2, -1  # what takes the place of a cell
FARTHEST = 1e308
Bound = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A column to be counted.

    :param value: the expression that reads it, in double precision.
    :param grid: the cells.
    """

    value: str
    grid: Grid

    def near(self, largest: float) -> tuple[float, float]:
        """Give the values between which places can be computed, and squared, without an overflow.

        :param largest: how many cells away a value may be.
        """
        reach = largest * self.grid.step
        return max(self.grid.lo - reach, -FARTHEST), min(self.grid.hi + reach, FARTHEST)


def count_numbers(reader: Reader, dialect: Dialect, columns: Sequence[NumberColumn]) -> list[tuple[int, int, Numbers]]:
    """Count columns: missing values, non-finite ones, and the rest on the grid.

    Two queries: one counts by cell, one adds up. PostgreSQL scans the rows once for each.
    """
    if not columns:
        return []
    bound: Bound = {}
    places = _places(dialect, columns, reader.rows, bound)
    cells = [_cell(dialect, i, column) for i, column in enumerate(columns)]
    counts = [np.zeros(column.grid.cells + 4, dtype=np.int64) for column in columns]
    for i, cell, count in reader.ask(dialect.grouped(cells, f"({places}) AS placed"), bound):
        counts[i][cell - MISSING] = count
    wanted = ", ".join(_sums(dialect, i, column) for i, column in enumerate(columns))
    sums = reader.ask(f"SELECT {wanted} FROM ({places}) AS placed", bound)[0]
    return [
        _counted(reader, dialect, column, counts[i], _Sums.of(sums[6 * i : 6 * i + 6]))
        for i, column in enumerate(columns)
    ]


def _places(dialect: Dialect, columns: Sequence[NumberColumn], rows: str, bound: Bound) -> str:
    """Give each value ``x0, x1, ...`` and its place ``p0, p1, ...``, null where that cannot be computed."""
    values = ", ".join(f"{column.value} AS x{i}" for i, column in enumerate(columns))
    placed = ", ".join(f"x{i}, {_place(dialect, i, column, bound)} AS p{i}" for i, column in enumerate(columns))
    return f"SELECT {placed} FROM (SELECT {values} FROM {rows} {dialect.fence}) AS read {dialect.fence}"


def _place(dialect: Dialect, i: int, column: NumberColumn, bound: Bound) -> str:
    grid, (least, most) = column.grid, column.near(dialect.largest)
    per_cell = 1.0 / grid.step
    names = {f"lo{i}": grid.lo, f"per_cell{i}": per_cell, f"least{i}": least, f"most{i}": most}
    bound |= names
    lo, scale, first, last = (f"CAST(:{name} AS double precision)" for name in names)
    distance = f"x{i} - {lo}"
    if math.ulp(grid.lo) * per_cell < 1e-300:  # a product too small for a float would be an error in PostgreSQL
        bound[f"nothing{i}"] = 1e-300 * grid.step
        distance = f"CASE WHEN abs({distance}) < CAST(:nothing{i} AS double precision) THEN 0 ELSE {distance} END"
    return f"CASE WHEN x{i} BETWEEN {first} AND {last} THEN ({distance}) * {scale} + 1 END"


def _cell(dialect: Dialect, i: int, column: NumberColumn) -> str:
    above, missing, finite = column.grid.cells + 1, dialect.missing(f"x{i}", pl.Float64()), dialect.finite(f"x{i}")
    return (
        f"CASE WHEN p{i} < 1 THEN 0 WHEN p{i} >= {above} THEN {above}"
        f" WHEN p{i} IS NOT NULL THEN {dialect.truncated(f'p{i}')}"
        f" WHEN {missing} THEN {MISSING} WHEN NOT {finite} THEN {NON_FINITE}"
        f" WHEN x{i} < 0 THEN 0 ELSE {above} END"  # farther than a place can be computed
    )


def _sums(dialect: Dialect, i: int, column: NumberColumn) -> str:
    """Add up: distances below and above, distances from the middle and their squares; least and greatest value."""
    above, middle = column.grid.cells + 1, column.grid.cells / 2 + 1
    finite = dialect.finite(f"x{i}")
    return (
        f"sum(CASE WHEN p{i} < 1 THEN 1 - p{i} END), sum(CASE WHEN p{i} >= {above} THEN p{i} - {above} END),"
        f" sum(p{i} - {middle}), sum((p{i} - {middle}) * (p{i} - {middle})),"
        f" min(CASE WHEN {finite} THEN x{i} END), max(CASE WHEN {finite} THEN x{i} END)"
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    below: float
    above: float
    total: float
    squares: float
    min: float | None
    max: float | None

    @classmethod
    def of(cls, found: Sequence[Any]) -> _Sums:
        below, above, total, squares = (float(value or 0) for value in found[:4])
        least, most = (None if value is None else float(value) for value in found[4:])
        return cls(below, above, total, squares, least, most)

    def plus(self, far: Sequence[Any]) -> _Sums:
        """Add what lies far away."""
        below, above, total, squares = (float(value or 0) for value in far)
        return _Sums(
            self.below + below, self.above + above, self.total + total, self.squares + squares, self.min, self.max
        )


def _counted(
    reader: Reader, dialect: Dialect, column: NumberColumn, counts: Any, sums: _Sums
) -> tuple[int, int, Numbers]:
    least, most = column.near(dialect.largest)
    if sums.min is not None and sums.max is not None and (sums.min < least or sums.max > most):
        sums = sums.plus(_far(reader, dialect, column))
    missing, non_finite, below, *cells, above = counts.tolist()
    numbers = Numbers(
        column.grid,
        np.array(cells, dtype=np.int64),
        below,
        sums.below,
        above,
        sums.above,
        sums.total,
        sums.squares,
        sums.min,
        sums.max,
    )
    return missing, non_finite, numbers


def _far(reader: Reader, dialect: Dialect, column: NumberColumn) -> Sequence[Any]:
    """Add up the values that are too far away for floats, as decimal numbers of any size."""
    grid, (least, most) = column.grid, column.near(dialect.largest)
    bound = {"lo": grid.lo, "per_cell": 1.0 / grid.step, "least": least, "most": most}
    lo, scale, first, last = (f"CAST(:{name} AS double precision)" for name in bound)
    place = f"(CAST(x AS numeric) - CAST({lo} AS numeric)) * CAST({scale} AS numeric)"
    return reader.ask(  # type: ignore[no-any-return]
        f"SELECT sum(CASE WHEN p < 0 THEN -p END), sum(CASE WHEN p > 0 THEN p - {grid.cells} END),"
        f" sum(p - {grid.cells / 2}), sum((p - {grid.cells / 2}) * (p - {grid.cells / 2}))"
        f" FROM (SELECT {place} AS p FROM (SELECT {column.value} AS x FROM {reader.rows} {dialect.fence}) AS read"
        f" WHERE {dialect.finite('x')} AND NOT x BETWEEN {first} AND {last} {dialect.fence}) AS placed",
        bound,
    )[0]


def choose_grids(
    reader: Reader, dialect: Dialect, values: Mapping[str, str], whole: set[str], every: int
) -> dict[str, Grid]:
    """Choose cells for columns as those of files are chosen, from a few values in order.

    :param values: column -> the expression that reads it.
    :param whole: the columns whose type holds whole numbers only.
    :param every: only each so many-eth row is looked at.
    """
    if not values:
        return {}
    names = list(values)
    listed = ", ".join(f"{value} AS x{i}" for i, value in enumerate(values.values()))
    rows = f"(SELECT {listed} FROM {_thinned(reader.rows, every)} {dialect.fence}) AS read"
    finite = ", ".join(f"CASE WHEN {dialect.finite(f'x{i}')} THEN x{i} END AS x{i}" for i in range(len(names)))
    sample = f"WITH sample AS MATERIALIZED (SELECT {finite} FROM {rows})"
    counts = ", ".join(f"count(x{i}), count(CASE WHEN x{i} <> round(x{i}) THEN 1 END)" for i in range(len(names)))
    found = reader.ask(f"{sample} SELECT {counts} FROM sample")[0]
    places = [ordered_places(found[2 * i]) for i in range(len(names))]
    wanted = " UNION ALL ".join(
        f"SELECT {i} AS i, place, x FROM (SELECT x{i} AS x, row_number() OVER (ORDER BY x{i}) - 1 AS place"
        f" FROM sample WHERE x{i} IS NOT NULL) AS ordered{i}"
        f" WHERE place IN ({', '.join(map(str, places[i]))})"
        for i in range(len(names))
        if places[i]
    )
    ordered: list[dict[int, float]] = [{} for _ in names]
    for i, place, x in reader.ask(f"{sample} {wanted}") if wanted else ():
        ordered[i][int(place)] = float(x)
    return {
        name: grid_of(
            [ordered[i][place] for place in places[i]],
            whole=name in whole or bool(places[i] and not found[2 * i + 1]),
        )
        for i, name in enumerate(names)
    }


def _thinned(rows: str, every: int) -> str:
    """Take rows that are spread evenly: sorted data would mislead with its first."""
    if every <= 1:
        return rows
    numbered = f"SELECT mlops_rows.*, row_number() OVER () AS mlops_number FROM {rows}"
    return f"(SELECT * FROM ({numbered}) AS numbered WHERE mlops_number % {every} = 0) AS mlops_rows"
