"""Counts of a categorical column: rows by name up to a cap, and by hash beyond it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from airflow_mlops.core.data.profiles.names import Hashes, hash_names, original_length
from airflow_mlops.core.data.profiles.numbers import IntArray, NumberGrid, NumberHistogram
from airflow_mlops.core.data.profiles.sketch import DistinctSketch

MAX_NAMES = 200
BUCKETS = 256
LENGTH_GRID = NumberGrid(-0.5, 1.0)  # one cell per length in characters, the same for all columns


@dataclass(frozen=True, slots=True, eq=False)
class CategoryOverflow:
    """The counts of a column with too many names: by hash, so that they merge and compare without the names.

    :param buckets: the number of values per hash bucket, over all names.
    :param distinct: a sketch of the number of distinct names.
    :param lengths: the lengths of the values in characters, on the grid :data:`LENGTHS`.
    """

    buckets: IntArray
    distinct: DistinctSketch
    lengths: NumberHistogram

    @classmethod
    def from_names(cls, names: Sequence[str], rows: npt.ArrayLike) -> Self:
        """Count clean names by hash.

        :param names: the distinct names.
        :param rows: the number of values of each.
        """
        lengths = NumberHistogram.from_values(LENGTH_GRID, [original_length(name) for name in names], rows)
        return cls.from_hashes(hash_names(names), lengths, rows)

    @classmethod
    def from_hashes(cls, hashes: Hashes, lengths: NumberHistogram, rows: npt.ArrayLike | None = None) -> Self:
        """Count values by the hashes of their clean names.

        :param hashes: one per value or, with ``rows``, one per name.
        :param lengths: the lengths of the values in characters.
        :param rows: the number of values of each name.
        """
        sketch = DistinctSketch()
        sketch.add(hashes)
        weights = None if rows is None else np.asarray(rows, dtype=np.float64)
        indexes = (hashes & np.uint32(BUCKETS - 1)).astype(np.int64)
        return cls(np.bincount(indexes, weights=weights, minlength=BUCKETS).astype(np.int64), sketch, lengths)

    def merge(self, other: CategoryOverflow) -> CategoryOverflow:
        """Add the counts of both."""
        lengths = self.lengths.merge(other.lengths)
        return CategoryOverflow(self.buckets + other.buckets, self.distinct.merge(other.distinct), lengths)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "buckets": self.buckets.tolist(),
            "distinct": self.distinct.to_text(),
            "lengths": self.lengths.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Parse the JSON form.

        :raises ValueError: when a bucket is missing.
        """
        buckets = np.array(data["buckets"], dtype=np.int64)
        if buckets.shape != (BUCKETS,):
            raise ValueError(f"there are {BUCKETS} buckets, not {buckets.size}")
        return cls(buckets, DistinctSketch.from_text(data["distinct"]), NumberHistogram.from_dict(data["lengths"]))


@dataclass(frozen=True, slots=True, eq=False)
class CategoryCounts:
    """The counts of a categorical column.

    :param base: the names that are always counted: the 200 most frequent of the reference, ties by name.
    :param counts: name -> rows, for the base and, up to 200 more, for all other names.
    :param overflow: counts by hash once there are more; names outside the base then count only in ``other``.
    """

    base: tuple[str, ...]
    counts: Mapping[str, int]
    overflow: CategoryOverflow | None = None

    @classmethod
    def from_counts(
        cls, base: tuple[str, ...], counts: Mapping[str, int], overflow: CategoryOverflow | None = None
    ) -> Self:
        """Count names over a base; drop the names outside it when there are too many."""
        counts = {name: count for name, count in counts.items() if count}
        base_names = set(base)
        if overflow is None and sum(name not in base_names for name in counts) > MAX_NAMES:
            overflow = CategoryOverflow.from_names(list(counts), list(counts.values()))
        if overflow is not None:
            counts = {name: count for name, count in counts.items() if name in base_names}
        return cls(base, counts, overflow)

    @property
    def count(self) -> int:
        """The number of values."""
        return sum(self.counts.values()) if self.overflow is None else int(self.overflow.buckets.sum())

    @property
    def other(self) -> int:
        """The number of values whose name is not counted by itself."""
        return self.count - sum(self.counts.values())

    @property
    def distinct(self) -> int:
        """The number of distinct names: exact without an overflow, else an estimate to about 3 %."""
        return len(self.counts) if self.overflow is None else self.overflow.distinct.estimate()

    @property
    def buckets(self) -> IntArray:
        """The number of values per hash bucket."""
        return self._overflow().buckets

    @property
    def lengths(self) -> NumberHistogram | None:
        """The lengths of the values in characters, for a column with an overflow (text); else None."""
        return self.overflow.lengths if self.overflow else None

    def top(self, limit: int = 5) -> dict[str, float]:
        """Return the fractions of the most frequent names, ties by name."""
        largest = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return {name: count / self.count for name, count in largest}

    def merge(self, other: CategoryCounts) -> CategoryCounts:
        """Add the counts of two columns with the same base."""
        sums = {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in {**self.counts, **other.counts}}
        if self.overflow is None and other.overflow is None:
            return CategoryCounts.from_counts(self.base, sums)
        return CategoryCounts.from_counts(self.base, sums, self._overflow().merge(other._overflow()))

    def _overflow(self) -> CategoryOverflow:
        return self.overflow or CategoryOverflow.from_names(list(self.counts), list(self.counts.values()))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        more = {name: count for name, count in self.counts.items() if name not in set(self.base)}
        body: dict[str, Any] = {"base": list(self.base), "counts": [self.counts.get(n, 0) for n in self.base]}
        body["more"] = dict(sorted(more.items()))
        if self.overflow is not None:
            body["overflow"] = self.overflow.to_dict()
        return body

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Parse the JSON form."""
        overflow = CategoryOverflow.from_dict(data["overflow"]) if "overflow" in data else None
        counts = {**dict(zip(data["base"], data["counts"], strict=True)), **data["more"]}
        return cls(tuple(data["base"]), {name: int(count) for name, count in counts.items() if count}, overflow)
