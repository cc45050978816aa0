"""What is independent in some rows: the rows, or the clusters that they belong to."""

from __future__ import annotations

import numpy as np

from airflow_mlops.core.metrics.metric import Array


class Units:
    """The units of n rows.

    :param rows: n.
    :param clusters: n values; rows with the same one are one unit.
    """

    def __init__(self, rows: int, clusters: Array | None = None) -> None:
        self.rows = rows
        self._number = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
        self.count = rows if self._number is None else int(self._number.max(initial=-1)) + 1

    @property
    def numbers(self) -> Array:
        """The number of each row's unit, from 0 on."""
        return np.arange(self.rows) if self._number is None else self._number

    def sums(self, values: Array) -> Array:
        """Sum n values within each unit."""
        return values if self._number is None else np.bincount(self._number, values, minlength=self.count)

    def dealt(self, most: int) -> Array:
        """Give the number of each row's unit; where there are more than so many, they are put together in groups."""
        return np.asarray(self.numbers % min(self.count, most))

    def having(self, member: Array) -> int:
        """Count the units that have a row of those marked."""
        if self._number is None:
            return int(np.count_nonzero(member))
        return int(np.count_nonzero(np.bincount(self._number[member], minlength=self.count)))
