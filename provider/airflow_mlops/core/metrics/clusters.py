"""Clusters: groups of dependent rows, such as all weeks of one customer."""

from __future__ import annotations

import numpy as np

from airflow_mlops.core.metrics.types import Array


class Clusters:
    """The clusters of n rows; without cluster values, each row is its own cluster.

    :param rows: n.
    :param clusters: n values; rows with the same value form one cluster.
    """

    def __init__(self, rows: int, clusters: Array | None = None) -> None:
        self.rows = rows
        self._number = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
        self.count = rows if self._number is None else int(self._number.max(initial=-1)) + 1

    @property
    def numbers(self) -> Array:
        """The cluster number of each row, from 0 on."""
        return np.arange(self.rows) if self._number is None else self._number

    def sums(self, values: Array) -> Array:
        """Sum n values within each cluster."""
        return values if self._number is None else np.bincount(self._number, values, minlength=self.count)

    def assign_groups(self, max_groups: int) -> Array:
        """Return a group number for each row: at most ``most`` groups, each of complete clusters."""
        return np.asarray(self.numbers % min(self.count, max_groups))

    def count_with(self, member: Array) -> int:
        """Count the clusters with at least one row for which ``member`` is true."""
        if self._number is None:
            return int(np.count_nonzero(member))
        return int(np.count_nonzero(np.bincount(self._number[member], minlength=self.count)))
