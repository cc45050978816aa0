"""How sure a figure of the gate is: the standard error of any weighted figure, and what that error itself is worth.

Rows are dealt into random parts of equal size, and the figure is computed without each part in turn: the delete-a-group
jackknife (Kott 2001; Shao and Tu 1995, section 2.3). It needs no formula, so it serves every metric, and Efron and
Stein (1981) show that it errs on the wide side. Where there is a formula of each row's influence, as for areas under
curves, that is the jackknife with parts of one row in the limit, at the price of a sort (Hanley and Hajian-Tilaki
1997 compare the two).

The error is estimated, so the figure over its error has Student's distribution, not the normal one. Its degrees of
freedom are Satterthwaite's (1946), from how unequally the parts matter: 2 k / (kurtosis - 1) of k parts. Where all
rests on five rows that differ, or on few positives, that is a handful, however many rows there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from airflow_mlops.core.evaluation.gate import student
from airflow_mlops.core.metrics import Array

Figure = Callable[[Array], Array]
_CHUNK = 50_000  # weights held at once: 400 kB, which the nearest caches hold
_ROUNDING = 1e-9  # parts of a figure's size: less than that is no difference


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and how sure it is.

    :param value: the figure; NaN where it is not defined.
    :param error: its standard error; NaN where it cannot be said.
    :param freedom: the degrees of freedom of the error.
    """

    value: float
    error: float
    freedom: float

    @classmethod
    def of(cls, value: float, parts: Array) -> Estimate:
        """Make the estimate of a figure that is, but for a constant, a sum over independent parts.

        :param value: the figure.
        :param parts: what each of k parts adds to it.
        """
        away, k = parts - parts.mean() if len(parts) else parts, len(parts)
        if k < 2 or not math.isfinite(value) or not np.isfinite(away).all():
            return cls(value, math.nan, math.nan)
        squares = away * away
        spread = float(squares.mean())
        if spread <= (_ROUNDING**2 * max(1.0, abs(value)) / k) ** 2:
            return cls(value, 0.0, k - 1.0)
        kurtosis = float((squares * squares).mean()) / spread**2
        satterthwaite = 2 * k / (kurtosis - 1) if kurtosis > 1 else math.inf
        return cls(value, k * math.sqrt(spread / (k - 1)), max(1.0, min(k - 1.0, satterthwaite)))

    @property
    def known(self) -> bool:
        """Whether there are a value and an error."""
        return math.isfinite(self.value) and math.isfinite(self.error)

    def bounds(self, confidence: float) -> tuple[float, float]:
        """Give the one-sided lower and the one-sided upper bound; NaN where they cannot be said."""
        if not self.known:
            return math.nan, math.nan
        if self.error == 0:
            return self.value, self.value
        reach = student.quantile(confidence, self.freedom) * self.error
        return self.value - reach, self.value + reach

    def chance_below(self, mark: float) -> float:
        """Give the one-sided p-value of a true figure at or above ``mark``: small when this one is surely below."""
        if not self.known:
            return math.nan
        if self.error == 0:
            return 0.0 if self.value < mark - _ROUNDING * max(1.0, abs(mark)) else 1.0
        return student.tail((mark - self.value) / self.error, self.freedom)


class Jackknife:
    """Parts of some rows, the same for every figure that is asked of them.

    :param rows: n, in an order that does not depend on the machine.
    :param clusters: n values; rows with the same one are left out together.
    :param parts: into how many parts the rows, or clusters, are dealt; at most one each.
    :param seed: the same rows and seed give the same parts.
    """

    def __init__(self, rows: int, clusters: Array | None = None, *, parts: int, seed: int = 0) -> None:
        self._unit = np.arange(rows) if clusters is None else np.unique(clusters, return_inverse=True)[1]
        self._units = int(self._unit.max(initial=-1)) + 1
        self.rows, self.parts = rows, min(parts, self._units)
        self._seed = seed

    @cached_property
    def _part(self) -> Array:
        """The part of each row."""
        order = np.random.default_rng(self._seed).permutation(self._units)
        return np.asarray((order * self.parts // max(1, self._units))[self._unit])

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
        return Estimate.of(value, np.bincount(self._unit, influence, minlength=self._units) / max(1, self.rows))
