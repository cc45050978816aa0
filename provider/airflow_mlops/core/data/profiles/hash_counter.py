"""Counting very many names by hash, without a search for the different ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from airflow_mlops.core.data.profiles import text
from airflow_mlops.core.data.profiles.categories import BUCKETS, LENGTHS, Overflow
from airflow_mlops.core.data.profiles.names import Hashes
from airflow_mlops.core.data.profiles.numbers import Numbers
from airflow_mlops.core.data.profiles.sketch import DistinctSketch

_PLACES = 65_536  # by which few hashes are told from nearly all others


class HashCounter:
    """Counts values by the hashes of their clean names."""

    def __init__(self) -> None:
        self.buckets = np.zeros(BUCKETS, dtype=np.int64)
        self.distinct, self.lengths = DistinctSketch(), Numbers.of(LENGTHS, [], [])

    def add(self, names: pl.Series) -> Iterator[tuple[pl.Series, Hashes]]:
        """Count names in, which are not null, block by block.

        :return: the clean names of a block and their hashes, once it is counted.
        """
        for block in text.blocks(names):
            hashes = block.hashes()
            self.buckets += np.bincount((hashes & np.uint32(BUCKETS - 1)).astype(np.int64), minlength=BUCKETS)
            self.distinct.add(hashes)
            self.lengths = self.lengths.merged(text.counted_lengths(block.characters()))
            yield block.names, hashes

    def overflow(self) -> Overflow:
        """Give what was counted."""
        return Overflow(self.buckets, self.distinct, self.lengths)


class Among:
    """Finds values whose name may be one of a few; of others it lets few pass.

    :param hashes: the hashes of the few names.
    """

    def __init__(self, hashes: Hashes) -> None:
        self.places = np.zeros(_PLACES, dtype=np.bool_)
        self.places[hashes & np.uint32(_PLACES - 1)] = True

    def pick(self, names: pl.Series, hashes: Hashes) -> pl.Series:
        """Give the values, more than once where they occur more than once.

        :param hashes: those of the names.
        """
        picked: npt.NDArray[np.bool_] = self.places.take((hashes & np.uint32(_PLACES - 1)).astype(np.int64))
        return names.filter(pl.Series(picked))


def heaviest(hashes: Hashes, names: int, least_names: int) -> tuple[Hashes, int] | None:
    """Find the hashes that occur most often.

    :param hashes: one a value.
    :param names: how many hashes are wanted; more are given when they occur equally often.
    :param least_names: the fewest different hashes for which it is worth while.
    :return: the hashes, and how often each of them occurs at least; None when fewer are different, or when so many
        occur equally often that little is gained.
    """
    ordered = np.sort(hashes)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    if len(starts) <= max(least_names, names):
        return None
    rows = np.diff(starts, append=len(ordered))
    least = int(np.partition(rows, -names)[-names])
    found = ordered[starts[rows >= least]]
    return (found, least) if len(found) <= _PLACES // 8 else None


def counted(names: Collection[pl.Series]) -> pl.DataFrame:
    """Count names: ``name`` and ``rows``."""
    empty = pl.Series("name", [], dtype=pl.String)
    return pl.concat([empty, *(part.rename("name") for part in names)]).value_counts(name="rows")
