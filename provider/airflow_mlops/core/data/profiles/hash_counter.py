"""Counts of very many names by hash, without grouping them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from airflow_mlops.core.data.profiles import text
from airflow_mlops.core.data.profiles.categories import BUCKETS, LENGTH_GRID, CategoryOverflow
from airflow_mlops.core.data.profiles.names import Hashes
from airflow_mlops.core.data.profiles.numbers import NumberHistogram
from airflow_mlops.core.data.profiles.sketch import DistinctSketch

_FILTER_BITS = 65_536


class HashCounter:
    """Counts values by the hashes of their clean names."""

    def __init__(self) -> None:
        self.buckets = np.zeros(BUCKETS, dtype=np.int64)
        self.distinct, self.lengths = DistinctSketch(), NumberHistogram.from_values(LENGTH_GRID, [], [])

    def add(self, names: pl.Series) -> Iterator[tuple[pl.Series, Hashes]]:
        """Count names, without nulls, block by block.

        :return: the clean names of each counted block, and their hashes.
        """
        for block in text.iter_blocks(names):
            hashes = block.hashes()
            self.buckets += np.bincount((hashes & np.uint32(BUCKETS - 1)).astype(np.int64), minlength=BUCKETS)
            self.distinct.add(hashes)
            self.lengths = self.lengths.merge(text.count_lengths(block.lengths()))
            yield block.names, hashes

    def overflow(self) -> CategoryOverflow:
        """Return the counts."""
        return CategoryOverflow(self.buckets, self.distinct, self.lengths)


class HashFilter:
    """A filter for values with one of a few names; it has false positives, but no false negatives.

    :param hashes: the hashes of the names.
    """

    def __init__(self, hashes: Hashes) -> None:
        self.bits = np.zeros(_FILTER_BITS, dtype=np.bool_)
        self.bits[hashes & np.uint32(_FILTER_BITS - 1)] = True

    def select(self, names: pl.Series, hashes: Hashes) -> pl.Series:
        """Return the values that pass, with repetitions.

        :param hashes: the hashes of the names.
        """
        mask: npt.NDArray[np.bool_] = self.bits.take((hashes & np.uint32(_FILTER_BITS - 1)).astype(np.int64))
        return names.filter(pl.Series(mask))


def most_frequent_hashes(hashes: Hashes, names: int, min_distinct: int) -> tuple[Hashes, int] | None:
    """Find the most frequent hashes.

    :param hashes: one per value.
    :param names: the number of hashes to find; ties are included.
    :param min_distinct: the number of distinct hashes up to which the search is not worth its cost.
    :return: the hashes, and the smallest frequency among them; None when there are too few distinct hashes, or so many
        ties that the search gains little.
    """
    ordered = np.sort(hashes)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    if len(starts) <= max(min_distinct, names):
        return None
    rows = np.diff(starts, append=len(ordered))
    min_rows = int(np.partition(rows, -names)[-names])
    frequent = ordered[starts[rows >= min_rows]]
    return (frequent, min_rows) if len(frequent) <= _FILTER_BITS // 8 else None


def count_by_name(names: Collection[pl.Series]) -> pl.DataFrame:
    """Count names; the columns are ``name`` and ``rows``."""
    empty = pl.Series("name", [], dtype=pl.String)
    return pl.concat([empty, *(part.rename("name") for part in names)]).value_counts(name="rows")
