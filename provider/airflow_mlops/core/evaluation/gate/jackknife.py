"""How sure a figure of the gate is: the standard error of any weighted figure.

Rows are dealt into random parts of equal size, and the figure is computed without each part in turn: the delete-a-group
jackknife (Kott 2001; Shao and Tu 1995, section 2.3). It needs no formula, so it serves every metric, and Efron and
Stein (1981) show that it errs on the wide side. Where there is a formula of each row's influence, as for areas under
curves, that is the jackknife with parts of one row in the limit, at the price of a sort (Hanley and Hajian-Tilaki
1997 compare the two).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np

from airflow_mlops.core.metrics import Array
from airflow_mlops.core.metrics.estimate import Estimate
from airflow_mlops.core.metrics.units import Units

Figure = Callable[[Array], Array]
_CHUNK = 50_000  # weights held at once: 400 kB, which the nearest caches hold


class Jackknife:
    """Parts of some rows, the same for every figure that is asked of them.

    :param rows: n, in an order that does not depend on the machine.
    :param clusters: n values; rows with the same one are left out together.
    :param parts: into how many parts the rows, or clusters, are dealt; at most one each.
    :param seed: the same rows and seed give the same parts.
    """

    def __init__(self, rows: int, clusters: Array | None = None, *, parts: int, seed: int = 0) -> None:
        self._units = Units(rows, clusters)
        self.rows, self.parts = rows, min(parts, self._units.count)
        self._seed = seed

    @cached_property
    def _part(self) -> Array:
        """The part of each row."""
        order = np.random.default_rng(self._seed).permutation(self._units.count)
        return np.asarray((order * self.parts // max(1, self._units.count))[self._units.numbers])

    def estimates(self, figures: Sequence[Figure]) -> list[Estimate]:
        """Give figures with their standard errors, by leaving each part out in turn.

        :param figures: each from k x n weights to k values, such as the gain in a metric.
        """
        if not self.rows:
            return [Estimate(math.nan, math.nan, math.nan) for _ in figures]
        values = [float(np.asarray(figure(np.ones((1, self.rows))))[0]) for figure in figures]
        without: list[list[Array]] = [[] for _ in figures]
        for weights in self._weights():
            for found, figure in zip(without, figures, strict=True):
                found.append(np.asarray(figure(weights)))
        share = (self.parts - 1) / max(1, self.parts)
        # Where a figure is not defined without one of the parts it hangs on a few rows, and so is its error not.
        return [Estimate.of(v, -share * np.concatenate(w)) for v, w in zip(values, without, strict=True)]

    def _weights(self) -> Iterator[Array]:
        """Give the weights that leave each part out in turn, some parts at once."""
        order = np.argsort(self._part, kind="stable")
        ends = np.searchsorted(self._part[order], np.arange(self.parts + 1))
        step = max(1, _CHUNK // self.rows)
        for first in range(0, self.parts, step):
            last = min(self.parts, first + step)
            left_out = order[ends[first] : ends[last]]
            weights = np.ones((last - first, self.rows))
            weights[self._part[left_out] - first, left_out] = 0
            yield weights

    def from_influence(self, value: float, influence: Array) -> Estimate:
        """Give a figure with its standard error, from how much each row matters to it.

        :param influence: n values whose mean is zero.
        """
        return Estimate.of(value, self._units.sums(influence) / max(1, self.rows))
