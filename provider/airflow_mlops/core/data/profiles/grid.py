"""Choice of the grid for a numeric column."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from airflow_mlops.core.data.profiles.numbers import CELLS, NumberGrid

SAMPLE_ROWS = 262_144
MAX_OUTSIDE = 1e-4  # maximum fraction of values outside the grid, per side
MARGIN = 0.02
MAX_REACH = 20.0  # maximum reach beyond the 5 % and 95 % quantiles, in multiples of their distance
MAX_VALUE = 1e300
FloatArray = npt.NDArray[np.float64]


def choose_grid(values: FloatArray, *, integers: bool = False) -> NumberGrid:
    """Choose the grid for a column.

    :param values: values of the column; non-finite ones are ignored.
    :param integers: the column's type is an integer type. Floats that are all integers are detected.
    """
    values = values[np.isfinite(values)]
    if len(values) > SAMPLE_ROWS:
        values = values[:: -(-len(values) // SAMPLE_ROWS)]
    positions = quantile_positions(len(values))
    ordered = np.partition(values, positions) if positions else values
    integers = integers or bool(positions and (values == np.rint(values)).all())
    return grid_of([float(ordered[position]) for position in positions], integers=integers)


def quantile_positions(count: int) -> list[int]:
    """Return the sort positions of the values that determine the grid: three from each end.

    :param count: the number of finite values.
    """
    if not count:
        return []
    last = count - 1
    positions = [0, int(MAX_OUTSIDE * last), int(0.05 * last)]
    return [*positions, *(last - position for position in reversed(positions))]


def grid_of(values: Sequence[float], *, integers: bool) -> NumberGrid:
    """Choose the grid for a column: nearly all values inside, with a small margin on each side.

    Cells are centered on integers, one each if 2048 suffice, so that all cells hold equally many integers.

    :param values: the values at the column's :func:`quantile_positions`.
    :param integers: all values are integers.
    """
    if not values:
        return NumberGrid(-0.5 - CELLS // 2 if integers else -1.0, 1.0 if integers else 2.0 / CELLS)
    lo, hi = _bulk_range([min(max(value, -MAX_VALUE), MAX_VALUE) for value in values])
    if integers and lo < hi and max(abs(lo), abs(hi)) < 2.0**40:
        return _integer_grid(math.floor(lo), math.ceil(hi))
    margin = (hi - lo) * MARGIN
    step = (hi - lo + 2 * margin) / CELLS
    if step > 1e-13 * max(abs(lo), abs(hi)) and step > 1e-300:
        return NumberGrid(lo - margin, step)
    step = max(abs(lo) * 1e-6, 1e-290) if lo else 1e-6  # one value: the center of a narrow cell
    return NumberGrid(lo - step * (CELLS // 2 + 0.5), step)


def _integer_grid(lo: int, hi: int) -> NumberGrid:
    """Return the grid with the narrowest cells centered on integers.

    Distances between integers are then exact, and fractions in later data are still visible. Widths below one are
    powers of two, so that every edge is an exact float.
    """
    width = (hi - lo + 1) * (1 + 2 * MARGIN) / CELLS
    step = float(math.ceil(width)) if width > 1 else 2.0 ** math.ceil(math.log2(width))
    return NumberGrid((lo + hi) // 2 - step * (CELLS // 2) - min(step, 1.0) / 2, step)


def _bulk_range(ordered: Sequence[float]) -> tuple[float, float]:
    """Return the range of nearly all values; of all values if that range is a single value.

    A few outliers must not make the cells coarse: they count in the sums outside the grid.
    """
    minimum, lo, low, high, hi, maximum = ordered
    if low < high:
        reach = MAX_REACH * (high - low)
        return max(lo, low - reach), min(hi, high + reach)
    return (lo, hi) if lo < hi else (minimum, maximum)
