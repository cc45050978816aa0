"""Bootstrap resampling of rows or clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from airflow_mlops.core.metrics.types import Array

RESAMPLES = 400
MAX_ROWS = 10_000  # of more rows, only a sample is resampled
_MIN_UNITS = 1_000
_CHUNK = 100_000  # bootstrap weights in memory at once: 0.8 MB, which fit into the CPU cache
_MAX_CACHED_WEIGHTS = 1_000_000
_MAX_WEIGHTS = 40_000_000
_MIN_RESAMPLES = 100
_MIN_FINITE_FRACTION = 0.9  # of the resamples; with fewer finite values there is no interval


def bootstrap_weights(rng: np.random.Generator, resamples: int, rows: int, clusters: Array | None = None) -> Array:
    """Return the row weights of bootstrap resamples.

    :param resamples: k.
    :param rows: n.
    :param clusters: n cluster numbers from 0 on; complete clusters are drawn (cluster bootstrap: Field and Welsh 2007).
    :returns: k x n counts, how often each row was drawn.
    """
    units = rows if clusters is None else int(clusters.max()) + 1
    # Five times as fast as rng.multinomial, and the same distribution.
    picks = rng.integers(0, units, size=(resamples, units)) + units * np.arange(resamples)[:, None]
    drawn = np.bincount(picks.ravel(), minlength=resamples * units).reshape(resamples, units)
    return np.asarray(drawn if clusters is None else drawn[:, clusters], dtype=np.float64)


class Resampling:
    """Bootstrap resamples of n rows, shared by all statistics computed on them.

    Of many rows, only a random sample is resampled. The spread of a statistic is then scaled by the square root of the
    sampled fraction (m out of n bootstrap: Bickel, Götze and van Zwet 1997).

    :param rows: n.
    :param clusters: n values; rows with the same value are drawn together.
    :param resamples: number of resamples; fewer when the weights would need too much memory.
    :param seed: the same rows and seed give the same resamples.
    """

    def __init__(self, rows: int, clusters: Array | None = None, *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        rng, self._seed = np.random.default_rng([seed, 0]), seed
        numbers = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
        units = rows if numbers is None else int(numbers.max(initial=-1)) + 1
        sampled = min(units, max(_MIN_UNITS, units * MAX_ROWS // max(1, rows)))
        self.index: Array = np.arange(rows)
        self._scale = 1.0
        if sampled < units:
            chosen = np.zeros(units, bool)
            chosen[rng.choice(units, sampled, replace=False)] = True
            self.index = np.flatnonzero(chosen if numbers is None else chosen[numbers])
            numbers = None if numbers is None else np.unique(numbers[self.index], return_inverse=True)[1]
            self._scale = float(np.sqrt(sampled / units))
        self._clusters = numbers
        self._cached: list[Array] = []
        minimum = min(resamples, _MIN_RESAMPLES)
        self.resamples = min(resamples, max(minimum, _MAX_WEIGHTS // max(1, len(self.index))))

    def evaluate(self, statistics: Sequence[Callable[[Array], Array]]) -> list[Array]:
        """Compute each statistic in each resample.

        :param statistics: functions of k x m weights, for the m rows of :attr:`index`.
        :returns: for each statistic its values along the first axis.
        """
        results: list[list[Array]] = [[] for _ in statistics]
        for weights in self._weights():
            for values, statistic in zip(results, statistics, strict=True):
                values.append(np.asarray(statistic(weights)))
        return [np.concatenate(values) for values in results]

    def _weights(self) -> Iterable[Array]:
        """Return the resamples in chunks; small numbers of weights are drawn once and cached."""
        if len(self.index) * self.resamples > _MAX_CACHED_WEIGHTS:
            return self._draw()
        self._cached = self._cached or list(self._draw())
        return self._cached

    def _draw(self) -> Iterator[Array]:
        rng, rows = np.random.default_rng([self._seed, 1]), len(self.index)
        remaining, step = self.resamples, max(1, _CHUNK // max(1, rows))
        while remaining > 0:
            yield bootstrap_weights(rng, min(step, remaining), rows, self._clusters)
            remaining -= step

    def interval(
        self, values: Array, sample_value: float, value: float, *, confidence: float = 0.95
    ) -> tuple[float, float]:
        """Return the ends of a two-sided interval (percentile bootstrap: Efron and Tibshirani 1993, chapter 13).

        :param values: the statistic in each resample.
        :param sample_value: the statistic on the rows of :attr:`index`.
        :param value: the statistic on all rows.
        :returns: NaN when the statistic is undefined in too many resamples.
        """
        finite = values[np.isfinite(values)]
        if len(finite) < max(1, _MIN_FINITE_FRACTION * len(values)) or not np.isfinite(value):
            return float("nan"), float("nan")
        tail = (1 - confidence) / 2
        low, high = np.quantile(finite, [tail, 1 - tail])
        if self._scale == 1.0:
            return float(low), float(high)
        return float(value + self._scale * (low - sample_value)), float(value + self._scale * (high - sample_value))
