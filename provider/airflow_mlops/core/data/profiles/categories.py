"""What is counted of a column of categories: rows by name up to a cap, and by hash beyond it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from airflow_mlops.core.data.profiles.names import Hashes, characters, name_hashes
from airflow_mlops.core.data.profiles.numbers import Grid, Numbers, Whole
from airflow_mlops.core.data.profiles.sketch import DistinctSketch

MOST_NAMES = 200
BUCKETS = 256
LENGTHS = Grid(-0.5, 1.0)  # the same for all texts: each length, counted in characters, has a cell of its own


@dataclass(frozen=True, slots=True, eq=False)
class Overflow:
    """What stays of a column with too many names: counts by hash, which need no names to compare and to add.

    :param buckets: values by hash of their name, all names together.
    :param distinct: a sketch of how many names there were.
    :param lengths: how many characters the values have, on the grid :data:`LENGTHS`.
    """

    buckets: Whole
    distinct: DistinctSketch
    lengths: Numbers

    @classmethod
    def of(cls, names: Sequence[str], rows: npt.ArrayLike) -> Self:
        """Count clean names by hash.

        :param names: the names, each at most once.
        :param rows: how many values have each.
        """
        lengths = Numbers.of(LENGTHS, [characters(name) for name in names], rows)
        return cls.of_hashes(name_hashes(names), lengths, rows)

    @classmethod
    def of_hashes(cls, hashes: Hashes, lengths: Numbers, rows: npt.ArrayLike | None = None) -> Self:
        """Count values by the hashes of their clean names.

        :param hashes: one a value or, with ``rows``, one a name.
        :param lengths: how many characters the values have.
        :param rows: how many values each name has.
        """
        sketch = DistinctSketch()
        sketch.add(hashes)
        weights = None if rows is None else np.asarray(rows, dtype=np.float64)
        places = (hashes & np.uint32(BUCKETS - 1)).astype(np.int64)
        return cls(np.bincount(places, weights=weights, minlength=BUCKETS).astype(np.int64), sketch, lengths)

    def merged(self, other: Overflow) -> Overflow:
        """Give the counts of both."""
        lengths = self.lengths.merged(other.lengths)
        return Overflow(self.buckets + other.buckets, self.distinct.merged(other.distinct), lengths)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "buckets": self.buckets.tolist(),
            "distinct": self.distinct.to_text(),
            "lengths": self.lengths.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the counts back.

        :raises ValueError: when a bucket is missing.
        """
        buckets = np.array(data["buckets"], dtype=np.int64)
        if buckets.shape != (BUCKETS,):
            raise ValueError(f"there are {BUCKETS} buckets, not {buckets.size}")
        return cls(buckets, DistinctSketch.from_text(data["distinct"]), Numbers.from_dict(data["lengths"]))


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """What was counted of a column of categories.

    :param base: the names that are always counted: the 200 most frequent of the reference, ties by name.
    :param counts: name -> rows, of the base and, while they are at most 200 more, of all other names.
    :param overflow: counts by hash once there were more; then a name outside the base is only in ``other``.
    """

    base: tuple[str, ...]
    counts: Mapping[str, int]
    overflow: Overflow | None = None

    @classmethod
    def of(cls, base: tuple[str, ...], counts: Mapping[str, int], overflow: Overflow | None = None) -> Self:
        """Count names over a base, and let go of the names outside it when they are too many."""
        seen = {name: count for name, count in counts.items() if count}
        named = set(base)
        if overflow is None and sum(name not in named for name in seen) > MOST_NAMES:
            overflow = Overflow.of(list(seen), list(seen.values()))
        if overflow is not None:
            seen = {name: count for name, count in seen.items() if name in named}
        return cls(base, seen, overflow)

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(self.counts.values()) if self.overflow is None else int(self.overflow.buckets.sum())

    @property
    def other(self) -> int:
        """How many values have a name that is not kept."""
        return self.count - sum(self.counts.values())

    @property
    def distinct(self) -> int:
        """How many names there are: exact while all are kept, else an estimate to about 3 %."""
        return len(self.counts) if self.overflow is None else self.overflow.distinct.estimate()

    @property
    def buckets(self) -> Whole:
        """Values by hash of their name."""
        return self._overflow().buckets

    @property
    def lengths(self) -> Numbers | None:
        """How many characters the values have, in a column of so many names that it is text; else None."""
        return self.overflow.lengths if self.overflow else None

    def top(self, limit: int = 5) -> dict[str, float]:
        """Give the largest shares, ties by name."""
        largest = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return {name: count / self.count for name, count in largest}

    def merged(self, other: Categories) -> Categories:
        """Give the counts of both; the bases are the same."""
        both = {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in {**self.counts, **other.counts}}
        if self.overflow is None and other.overflow is None:
            return Categories.of(self.base, both)
        return Categories.of(self.base, both, self._overflow().merged(other._overflow()))

    def _overflow(self) -> Overflow:
        return self.overflow or Overflow.of(list(self.counts), list(self.counts.values()))

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        more = {name: count for name, count in self.counts.items() if name not in set(self.base)}
        body: dict[str, Any] = {"base": list(self.base), "counts": [self.counts.get(n, 0) for n in self.base]}
        body["more"] = dict(sorted(more.items()))
        if self.overflow is not None:
            body["overflow"] = self.overflow.to_dict()
        return body

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the counts back."""
        overflow = Overflow.from_dict(data["overflow"]) if "overflow" in data else None
        counts = {**dict(zip(data["base"], data["counts"], strict=True)), **data["more"]}
        return cls(tuple(data["base"]), {name: int(count) for name, count in counts.items() if count}, overflow)
