# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""Counts of numbers in SQL, over the same cells and with the same arithmetic as for files.

The position of a value is ``(x - lo) * (1 / step) + 1`` in double precision. Truncated, it is the cell: 0 is below the
grid, ``cells + 1`` above it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from airflow_mlops.core.data.database import TableReader
from airflow_mlops.core.data.profiles.grid import grid_of, quantile_positions
from airflow_mlops.core.data.profiles.numbers import NumberGrid, NumberHistogram
from airflow_mlops.core.data.sql.dialect import Dialect

MISSING, NON_FINITE = -2, -1  # pseudo cells
MAX_ABSOLUTE = 1e308
Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A column to be counted.

    :param value: the expression that converts it to double precision.
    :param grid: the cells.
    """

    value: str
    grid: NumberGrid

    def safe_range(self, max_distance: float) -> tuple[float, float]:
        """Return the range of values whose positions can be computed and squared without an overflow.

        :param max_distance: the maximum distance from the grid, in cells.
        """
        reach = max_distance * self.grid.step
        return max(self.grid.lo - reach, -MAX_ABSOLUTE), min(self.grid.hi + reach, MAX_ABSOLUTE)


def count_numbers(
    reader: TableReader, dialect: Dialect, columns: Sequence[NumberColumn]
) -> list[tuple[int, int, NumberHistogram]]:
    """Return, per column, the number of missing and of non-finite values, and the counts of the others.

    Runs two queries, one for the counts by cell and one for the sums. PostgreSQL scans the rows once for each.
    """
    if not columns:
        return []
    params: Params = {}
    positions = _positions_query(dialect, columns, reader.from_clause, params)
    cells = [_cell(dialect, i, column) for i, column in enumerate(columns)]
    counts = [np.zeros(column.grid.cells + 4, dtype=np.int64) for column in columns]
    for i, cell, count in reader.query(dialect.count_values(cells, f"({positions}) AS placed"), params):
        counts[i][cell - MISSING] = count
    expressions = ", ".join(_sum_expressions(dialect, i, column) for i, column in enumerate(columns))
    sums = reader.query(f"SELECT {expressions} FROM ({positions}) AS placed", params)[0]
    return [
        _column_counts(reader, dialect, column, counts[i], _Sums.from_row(sums[6 * i : 6 * i + 6]))
        for i, column in enumerate(columns)
    ]


def _positions_query(dialect: Dialect, columns: Sequence[NumberColumn], rows: str, params: Params) -> str:
    """Return the query for values ``x0, x1, ...`` and positions ``p0, p1, ...``; null outside the safe range."""
    values = ", ".join(f"{column.value} AS x{i}" for i, column in enumerate(columns))
    positions = ", ".join(f"x{i}, {_position(dialect, i, column, params)} AS p{i}" for i, column in enumerate(columns))
    return f"SELECT {positions} FROM (SELECT {values} FROM {rows} {dialect.fence}) AS read {dialect.fence}"


def _position(dialect: Dialect, i: int, column: NumberColumn, params: Params) -> str:
    grid, (lowest, highest) = column.grid, column.safe_range(dialect.max_distance)
    per_cell = 1.0 / grid.step
    values = {f"lo{i}": grid.lo, f"per_cell{i}": per_cell, f"lowest{i}": lowest, f"highest{i}": highest}
    params |= values
    lo, scale, first, last = (f"CAST(:{name} AS double precision)" for name in values)
    distance = f"x{i} - {lo}"
    if math.ulp(grid.lo) * per_cell < 1e-300:  # PostgreSQL raises an error on underflow
        params[f"tiny{i}"] = 1e-300 * grid.step
        distance = f"CASE WHEN abs({distance}) < CAST(:tiny{i} AS double precision) THEN 0 ELSE {distance} END"
    return f"CASE WHEN x{i} BETWEEN {first} AND {last} THEN ({distance}) * {scale} + 1 END"


def _cell(dialect: Dialect, i: int, column: NumberColumn) -> str:
    above, missing, finite = (
        column.grid.cells + 1,
        dialect.is_missing(f"x{i}", pl.Float64()),
        dialect.is_finite(f"x{i}"),
    )
    return (
        f"CASE WHEN p{i} < 1 THEN 0 WHEN p{i} >= {above} THEN {above}"
        f" WHEN p{i} IS NOT NULL THEN {dialect.truncate(f'p{i}')}"
        f" WHEN {missing} THEN {MISSING} WHEN NOT {finite} THEN {NON_FINITE}"
        f" WHEN x{i} < 0 THEN 0 ELSE {above} END"  # outside the safe range
    )


def _sum_expressions(dialect: Dialect, i: int, column: NumberColumn) -> str:
    """Return the sums of distances below, above and from the center, and of their squares; minimum and maximum."""
    above, center = column.grid.cells + 1, column.grid.cells / 2 + 1
    finite = dialect.is_finite(f"x{i}")
    return (
        f"sum(CASE WHEN p{i} < 1 THEN 1 - p{i} END), sum(CASE WHEN p{i} >= {above} THEN p{i} - {above} END),"
        f" sum(p{i} - {center}), sum((p{i} - {center}) * (p{i} - {center})),"
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
    def from_row(cls, row: Sequence[Any]) -> _Sums:
        below, above, total, squares = (float(value or 0) for value in row[:4])
        lowest, highest = (None if value is None else float(value) for value in row[4:])
        return cls(below, above, total, squares, lowest, highest)

    def plus(self, outliers: Sequence[Any]) -> _Sums:
        """Add the sums of values outside the safe range."""
        below, above, total, squares = (float(value or 0) for value in outliers)
        return _Sums(
            self.below + below, self.above + above, self.total + total, self.squares + squares, self.min, self.max
        )


def _column_counts(
    reader: TableReader, dialect: Dialect, column: NumberColumn, counts: Any, sums: _Sums
) -> tuple[int, int, NumberHistogram]:
    lowest, highest = column.safe_range(dialect.max_distance)
    if sums.min is not None and sums.max is not None and (sums.min < lowest or sums.max > highest):
        sums = sums.plus(_outlier_sums(reader, dialect, column))
    missing, non_finite, below, *cells, above = counts.tolist()
    numbers = NumberHistogram(
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


def _outlier_sums(reader: TableReader, dialect: Dialect, column: NumberColumn) -> Sequence[Any]:
    """Sum the values outside the safe range with arbitrary-precision decimals."""
    grid, (lowest, highest) = column.grid, column.safe_range(dialect.max_distance)
    params = {"lo": grid.lo, "per_cell": 1.0 / grid.step, "lowest": lowest, "highest": highest}
    lo, scale, first, last = (f"CAST(:{name} AS double precision)" for name in params)
    position = f"(CAST(x AS numeric) - CAST({lo} AS numeric)) * CAST({scale} AS numeric)"
    return reader.query(  # type: ignore[no-any-return]
        f"SELECT sum(CASE WHEN p < 0 THEN -p END), sum(CASE WHEN p > 0 THEN p - {grid.cells} END),"
        f" sum(p - {grid.cells / 2}), sum((p - {grid.cells / 2}) * (p - {grid.cells / 2}))"
        f" FROM (SELECT {position} AS p"
        f" FROM (SELECT {column.value} AS x FROM {reader.from_clause} {dialect.fence}) AS read"
        f" WHERE {dialect.is_finite('x')} AND NOT x BETWEEN {first} AND {last} {dialect.fence}) AS placed",
        params,
    )[0]


def choose_grids(
    reader: TableReader, dialect: Dialect, values: Mapping[str, str], integers: set[str], every: int
) -> dict[str, NumberGrid]:
    """Choose the grids of columns from a few quantiles, as for files.

    :param values: column -> the expression that converts it to double precision.
    :param integers: the columns with an integer type.
    :param every: use only every n-th row.
    """
    if not values:
        return {}
    names = list(values)
    selected = ", ".join(f"{value} AS x{i}" for i, value in enumerate(values.values()))
    rows = f"(SELECT {selected} FROM {_every_nth_row(reader.from_clause, every)} {dialect.fence}) AS read"
    finite = ", ".join(f"CASE WHEN {dialect.is_finite(f'x{i}')} THEN x{i} END AS x{i}" for i in range(len(names)))
    sample = f"WITH sample AS MATERIALIZED (SELECT {finite} FROM {rows})"
    counts = ", ".join(f"count(x{i}), count(CASE WHEN x{i} <> round(x{i}) THEN 1 END)" for i in range(len(names)))
    sample_counts = reader.query(f"{sample} SELECT {counts} FROM sample")[0]
    positions = [quantile_positions(sample_counts[2 * i]) for i in range(len(names))]
    quantiles_query = " UNION ALL ".join(
        f"SELECT {i} AS i, position, x FROM (SELECT x{i} AS x, row_number() OVER (ORDER BY x{i}) - 1 AS position"
        f" FROM sample WHERE x{i} IS NOT NULL) AS ordered{i}"
        f" WHERE position IN ({', '.join(map(str, positions[i]))})"
        for i in range(len(names))
        if positions[i]
    )
    quantiles: list[dict[int, float]] = [{} for _ in names]
    for i, position, x in reader.query(f"{sample} {quantiles_query}") if quantiles_query else ():
        quantiles[i][int(position)] = float(x)
    return {
        name: grid_of(
            [quantiles[i][position] for position in positions[i]],
            integers=name in integers or bool(positions[i] and not sample_counts[2 * i + 1]),
        )
        for i, name in enumerate(names)
    }


def _every_nth_row(rows: str, every: int) -> str:
    """Select evenly spaced rows: the first rows of sorted data are not representative."""
    if every <= 1:
        return rows
    numbered = f"SELECT mlops_rows.*, row_number() OVER () AS mlops_number FROM {rows}"
    return f"(SELECT * FROM ({numbered}) AS numbered WHERE mlops_number % {every} = 0) AS mlops_rows"
