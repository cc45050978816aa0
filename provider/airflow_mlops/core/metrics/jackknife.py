"""Delete-a-group jackknife: the standard error of any weighted statistic.

Rows are divided at random into groups of equal size, and the statistic is computed without each group in turn (Kott
2001; Shao and Tu 1995, section 2.3). It needs no formula, so it works for every metric, and it is conservative (Efron
and Stein 1981). The influence function of a metric is the limit with groups of one row, at the cost of a sort (Hanley
and Hajian-Tilaki 1997 compare the two).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from airflow_mlops.core.metrics.clusters import Clusters
from airflow_mlops.core.metrics.estimate import MetricEstimate
from airflow_mlops.core.metrics.types import Array, WeightedStatistic

_CHUNK = 50_000  # weights in memory at once: 400 kB, which fit into the CPU cache


class Jackknife:
    """Groups of rows, shared by all statistics computed on them.

    :param rows: n, in an order that does not depend on the machine.
    :param clusters: n values; rows with the same value stay in one group.
    :param groups: number of groups; at most one per row or cluster.
    :param seed: the same rows and seed give the same groups.
    """

    def __init__(self, rows: int, clusters: Array | None = None, *, groups: int, seed: int = 0) -> None:
        self._units = Clusters(rows, clusters)
        self.rows, self.groups = rows, min(groups, self._units.count)
        self._seed = seed

    @cached_property
    def _part(self) -> Array:
        """The group of each row."""
        order = np.random.default_rng(self._seed).permutation(self._units.count)
        return np.asarray((order * self.groups // max(1, self._units.count))[self._units.numbers])

    def estimate(self, statistics: Sequence[WeightedStatistic]) -> list[MetricEstimate]:
        """Estimate statistics with their standard errors, by omitting each group in turn.

        :param statistics: functions of k x n weights to k values, such as the gain in a metric.
        """
        if not self.rows:
            return [MetricEstimate(math.nan, math.nan, math.nan) for _ in statistics]
        values = [float(np.asarray(statistic(np.ones((1, self.rows))))[0]) for statistic in statistics]
        replicates: list[list[Array]] = [[] for _ in statistics]
        for weights in self._weights():
            for results, statistic in zip(replicates, statistics, strict=True):
                results.append(np.asarray(statistic(weights)))
        factor = (self.groups - 1) / max(1, self.groups)
        # A statistic that is undefined without one group depends on a few rows; its error is undefined, too.
        return [
            MetricEstimate.from_parts(v, -factor * np.concatenate(r)) for v, r in zip(values, replicates, strict=True)
        ]

    def _weights(self) -> Iterator[Array]:
        """Yield weights that omit each group in turn, in chunks."""
        order = np.argsort(self._part, kind="stable")
        ends = np.searchsorted(self._part[order], np.arange(self.groups + 1))
        step = max(1, _CHUNK // self.rows)
        for first in range(0, self.groups, step):
            last = min(self.groups, first + step)
            omitted = order[ends[first] : ends[last]]
            weights = np.ones((last - first, self.rows))
            weights[self._part[omitted] - first, omitted] = 0
            yield weights

    def estimate_from_influence(self, value: float, influence: Array) -> MetricEstimate:
        """Estimate a statistic with its standard error from its influence function.

        :param influence: n values whose mean is zero.
        """
        return MetricEstimate.from_parts(value, self._units.sums(influence) / max(1, self.rows))
