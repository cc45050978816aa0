"""Choosing the cells of a column of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from airflow_mlops.core.data.profiles.numbers import CELLS, Grid

SAMPLE_ROWS = 262_144
OUTSIDE = 1e-4  # the share of values that the grid may leave outside on each side
MARGIN = 0.02
FAR = 20.0  # how far the grid may reach beyond the middle nine tenths, in their widths
LARGEST = 1e300
Values = npt.NDArray[np.float64]


def choose_grid(values: Values, *, whole: bool = False) -> Grid:
    """Choose cells for a column of these values.

    :param values: values of the column; those that are not finite are left out.
    :param whole: the column's type holds whole numbers only. Floats that all are whole are found here.
    """
    values = values[np.isfinite(values)]
    if len(values) > SAMPLE_ROWS:
        values = values[:: -(-len(values) // SAMPLE_ROWS)]
    places = ordered_places(len(values))
    ordered = np.partition(values, places) if places else values
    whole = whole or bool(places and (values == np.rint(values)).all())
    return grid_of([float(ordered[place]) for place in places], whole=whole)


def ordered_places(count: int) -> list[int]:
    """Give the places, in order, of the values that cells are chosen by: three from each end.

    :param count: how many values there are, finite ones.
    """
    if not count:
        return []
    last = count - 1
    places = [0, int(OUTSIDE * last), int(0.05 * last)]
    return [*places, *(last - place for place in reversed(places))]


def grid_of(values: Sequence[float], *, whole: bool) -> Grid:
    """Choose cells for a column: nearly all of its values inside, a little room on each side.

    Whole numbers get cells centred on them, one each where 2048 suffice, so that no cell mixes more than its
    neighbours do.

    :param values: the values at the column's :func:`ordered_places`.
    :param whole: all of its values are whole numbers.
    """
    if not values:
        return Grid(-0.5 - CELLS // 2 if whole else -1.0, 1.0 if whole else 2.0 / CELLS)
    lo, hi = _nearly_all([min(max(value, -LARGEST), LARGEST) for value in values])
    if whole and lo < hi and max(abs(lo), abs(hi)) < 2.0**40:
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


def _nearly_all(ordered: Sequence[float]) -> tuple[float, float]:
    """Give the quantiles between which nearly all values lie; of all values when these are the same.

    Few values far away must not make the cells of all others coarse: sums outside the grid stand for them.
    """
    least, lo, low, high, hi, most = ordered
    if low < high:
        return max(lo, low - FAR * (high - low)), min(hi, high + FAR * (high - low))
    return (lo, hi) if lo < hi else (least, most)
