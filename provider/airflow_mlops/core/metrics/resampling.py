"""How sure any figure is: bootstrap over rows, or over the clusters that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from airflow_mlops.core.metrics.metric import Array

RESAMPLES = 400
MOST_ROWS = 10_000  # past these a sample of the rows says how sure a figure is
_LEAST_UNITS = 1_000
_CHUNK = 100_000  # bootstrap weights held at once: 0.8 MB, which stay in the cache
_MOST_KEPT = 1_000_000
_MOST_WEIGHTS = 40_000_000
_LEAST_RESAMPLES = 100
_ENOUGH = 0.9  # of the resamples have to have a value


def bootstrap_weights(rng: np.random.Generator, resamples: int, rows: int, clusters: Array | None = None) -> Array:
    """Give row weights of bootstrap resamples.

    :param resamples: k.
    :param rows: n.
    :param clusters: n cluster numbers from 0 on: whole clusters are drawn, so that a customer's weeks come together
        (Field and Welsh 2007, cluster bootstrap).
    :returns: k x n counts: how often each row was drawn.
    """
    units = rows if clusters is None else int(clusters.max()) + 1
    # Five times as fast as rng.multinomial, and the same distribution.
    picks = rng.integers(0, units, size=(resamples, units)) + units * np.arange(resamples)[:, None]
    drawn = np.bincount(picks.ravel(), minlength=resamples * units).reshape(resamples, units)
    return np.asarray(drawn if clusters is None else drawn[:, clusters], dtype=np.float64)


class Resampling:
    """Resamples of some rows, the same for every figure that is asked of them.

    Many rows are not all resampled: a random part of them is, and how far its figures spread is shrunk to what all rows
    would give, by the root of the shares (m out of n bootstrap: Bickel, Götze and van Zwet 1997).

    :param rows: n.
    :param clusters: n values; rows with the same one are drawn together.
    :param resamples: how many; fewer when the rows that have to be drawn together are too many.
    :param seed: the same rows and seed give the same resamples.
    """

    def __init__(self, rows: int, clusters: Array | None = None, *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        rng, self._seed = np.random.default_rng([seed, 0]), seed
        numbers = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
        units = rows if numbers is None else int(numbers.max(initial=-1)) + 1
        kept = min(units, max(_LEAST_UNITS, units * MOST_ROWS // max(1, rows)))
        self.index: Array = np.arange(rows)
        self._scale = 1.0
        if kept < units:
            chosen = np.zeros(units, bool)
            chosen[rng.choice(units, kept, replace=False)] = True
            self.index = np.flatnonzero(chosen if numbers is None else chosen[numbers])
            numbers = None if numbers is None else np.unique(numbers[self.index], return_inverse=True)[1]
            self._scale = float(np.sqrt(kept / units))
        self._clusters = numbers
        self._kept: list[Array] = []
        least = min(resamples, _LEAST_RESAMPLES)
        self.resamples = min(resamples, max(least, _MOST_WEIGHTS // max(1, len(self.index))))

    def values(self, figures: Sequence[Callable[[Array], Array]]) -> list[Array]:
        """Give each figure's value in each resample.

        :param figures: functions of k x m weights, for the m rows of :attr:`index`.
        :returns: for each figure its values along the first axis.
        """
        found: list[list[Array]] = [[] for _ in figures]
        for weights in self._weights():
            for values, figure in zip(found, figures, strict=True):
                values.append(np.asarray(figure(weights)))
        return [np.concatenate(values) for values in found]

    def _weights(self) -> Iterable[Array]:
        """Give the resamples some at a time; when they are few, they are drawn once and kept."""
        if len(self.index) * self.resamples > _MOST_KEPT:
            return self._drawn()
        self._kept = self._kept or list(self._drawn())
        return self._kept

    def _drawn(self) -> Iterator[Array]:
        rng, rows = np.random.default_rng([self._seed, 1]), len(self.index)
        left, step = self.resamples, max(1, _CHUNK // max(1, rows))
        while left > 0:
            yield bootstrap_weights(rng, min(step, left), rows, self._clusters)
            left -= step

    def ends(self, values: Array, part: float, whole: float, *, confidence: float = 0.95) -> tuple[float, float]:
        """Give the ends of a two-sided interval (percentile bootstrap: Efron and Tibshirani 1993, chapter 13).

        :param values: the figure's value in each resample.
        :param part: its value on the rows of :attr:`index`.
        :param whole: its value on all rows.
        :returns: NaN where it has no value in too many resamples.
        """
        finite = values[np.isfinite(values)]
        if len(finite) < max(1, _ENOUGH * len(values)) or not np.isfinite(whole):
            return float("nan"), float("nan")
        tail = (1 - confidence) / 2
        low, high = np.quantile(finite, [tail, 1 - tail])
        if self._scale == 1.0:
            return float(low), float(high)
        return float(whole + self._scale * (low - part)), float(whole + self._scale * (high - part))
