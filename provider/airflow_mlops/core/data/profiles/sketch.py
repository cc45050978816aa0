"""Sketches that add up: of how many different names there were, and of how unequally rows share them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from airflow_mlops.core.data.profiles.names import Hashes

REGISTERS = 1024  # relative error 1.04 / sqrt(1024) = 3 %; small counts are nearly exact
COUNTERS = 1024  # relative error sqrt(2 / 1024) = 4.4 %
_LOW_BITS = 21  # of the 31 bits of a hash; the others choose the register
_HASHES = 2.0**31


@dataclass(slots=True)
class DistinctSketch:
    """HyperLogLog (Flajolet et al. 2007): the union of two is the larger of each register, in any order.

    :param registers: the longest run of leading zeros seen, plus one, by the hash's first ten bits.
    """

    registers: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(REGISTERS, dtype=np.uint8))

    def add(self, hashes: Hashes) -> None:
        """Count hashes in; one that was there changes nothing."""
        low = hashes & np.uint32((1 << _LOW_BITS) - 1)
        if shortest := int(self.registers.min()):  # then most hashes are seen to change no register
            longer = np.flatnonzero(low < np.uint32((1 << _LOW_BITS) >> shortest))
            hashes, low = hashes[longer], low[longer]
        least = np.full(REGISTERS, 1 << _LOW_BITS, dtype=np.uint32)  # the least bits have the longest run
        np.minimum.at(least, hashes >> np.uint32(_LOW_BITS), low)
        lengths = np.frexp(least.astype(np.float64))[1]
        self.registers = np.maximum(self.registers, (_LOW_BITS + 1 - lengths).astype(np.uint8))

    def merged(self, other: Self) -> DistinctSketch:
        """Give the sketch of both."""
        return DistinctSketch(np.maximum(self.registers, other.registers))

    def estimate(self) -> int:
        """Estimate how many different values were added."""
        empty = int((self.registers == 0).sum())
        raw = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS**2 / float((2.0 ** -self.registers.astype(float)).sum())
        if empty and raw <= 2.5 * REGISTERS:
            return round(REGISTERS * float(np.log(REGISTERS / empty)))
        if raw > _HASHES / 30:  # so many that some share a hash
            return round(-_HASHES * float(np.log1p(-min(raw / _HASHES, 0.999))))
        return round(raw)

    def to_text(self) -> str:
        """Give the registers as base64 text."""
        return base64.b64encode(self.registers.tobytes()).decode()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read registers back.

        :raises ValueError: when they are not there in full.
        """
        registers = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
        if len(registers) != REGISTERS:
            raise ValueError(f"a sketch has {REGISTERS} registers, not {len(registers)}")
        return cls(registers.copy())


@dataclass(slots=True)
class ClusterSketch:
    """How many groups the rows fall into, and for how many independent rows they stand.

    Rows without a key do not belong together: each counts as a group of its own.

    :param distinct: a sketch of the keys.
    :param counters: rows by hash of their key, added or taken away as a bit of the hash says: the sum of the
        squares estimates that of the groups' sizes, because what shares a counter cancels on average (Alon,
        Matias and Szegedy 1996; many counters as in Charikar, Chen and Farach-Colton 2002).
    :param alone: rows without a key.
    """

    distinct: DistinctSketch = field(default_factory=DistinctSketch)
    counters: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(COUNTERS, dtype=np.int64))
    alone: int = 0

    def add(self, hashes: Hashes, rows: npt.ArrayLike | None = None) -> None:
        """Count rows in.

        :param hashes: the hashes of their keys, one a row or, with ``rows``, one a group.
        :param rows: how many rows each group has.
        """
        places = (hashes & np.uint32(2 * COUNTERS - 1)).astype(np.int64)  # the counter, and the bit of the sign
        weights = None if rows is None else np.asarray(rows, dtype=np.float64)
        sums = np.bincount(places, weights=weights, minlength=2 * COUNTERS).astype(np.int64)
        self.counters = self.counters + sums[COUNTERS:] - sums[:COUNTERS]
        self.distinct.add(hashes)

    def merged(self, other: ClusterSketch) -> ClusterSketch:
        """Give the sketch of both."""
        counters = self.counters + other.counters
        return ClusterSketch(self.distinct.merged(other.distinct), counters, self.alone + other.alone)

    @property
    def groups(self) -> int:
        """How many groups there are, to about 3 %."""
        return self.distinct.estimate() + self.alone

    def effective_rows(self, rows: int) -> int:
        """Estimate Kish's effective size, to about 4 %: rows^2 / (the sum of the groups' squared sizes).

        It is the number of groups when all are of one size, and less when few hold most of the rows (Kish 1965).

        :param rows: how many rows were counted in.
        """
        squares = float((self.counters.astype(np.float64) ** 2).sum()) + self.alone
        return min(rows, self.groups, round(rows**2 / squares)) if squares else min(rows, self.groups)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {"distinct": self.distinct.to_text(), "counters": self.counters.tolist(), "alone": self.alone}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the sketch back.

        :raises ValueError: when it is not there in full.
        """
        counters = np.array(data["counters"], dtype=np.int64)
        if counters.shape != (COUNTERS,):
            raise ValueError(f"a sketch has {COUNTERS} counters, not {counters.size}")
        return cls(DistinctSketch.from_text(data["distinct"]), counters, int(data["alone"]))
