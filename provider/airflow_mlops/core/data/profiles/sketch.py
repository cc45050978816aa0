"""Mergeable sketches: the number of distinct names, and the effective number of clusters."""

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
_LOW_BITS = 21  # of the 31 bits of a hash; the others select the register
_HASHES = 2.0**31


@dataclass(slots=True)
class DistinctSketch:
    """HyperLogLog (Flajolet et al. 2007); sketches merge by the maximum of each register, in any order.

    :param registers: per first ten bits of the hash, the longest run of leading zeros plus one.
    """

    registers: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(REGISTERS, dtype=np.uint8))

    def add(self, hashes: Hashes) -> None:
        """Add hashes; a repeated one changes nothing."""
        low = hashes & np.uint32((1 << _LOW_BITS) - 1)
        if shortest := int(self.registers.min()):  # skip hashes that cannot change a register
            longer = np.flatnonzero(low < np.uint32((1 << _LOW_BITS) >> shortest))
            hashes, low = hashes[longer], low[longer]
        least = np.full(REGISTERS, 1 << _LOW_BITS, dtype=np.uint32)  # the smallest has the longest run
        np.minimum.at(least, hashes >> np.uint32(_LOW_BITS), low)
        lengths = np.frexp(least.astype(np.float64))[1]
        self.registers = np.maximum(self.registers, (_LOW_BITS + 1 - lengths).astype(np.uint8))

    def merge(self, other: Self) -> DistinctSketch:
        """Return the union of both."""
        return DistinctSketch(np.maximum(self.registers, other.registers))

    def estimate(self) -> int:
        """Estimate the number of distinct values."""
        empty = int((self.registers == 0).sum())
        raw = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS**2 / float((2.0 ** -self.registers.astype(float)).sum())
        if empty and raw <= 2.5 * REGISTERS:
            return round(REGISTERS * float(np.log(REGISTERS / empty)))
        if raw > _HASHES / 30:  # correct for hash collisions
            return round(-_HASHES * float(np.log1p(-min(raw / _HASHES, 0.999))))
        return round(raw)

    def to_text(self) -> str:
        """Return the registers as base64 text."""
        return base64.b64encode(self.registers.tobytes()).decode()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Parse base64 text.

        :raises ValueError: when the number of registers is wrong.
        """
        registers = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
        if len(registers) != REGISTERS:
            raise ValueError(f"a sketch has {REGISTERS} registers, not {len(registers)}")
        return cls(registers.copy())


@dataclass(slots=True)
class ClusterSketch:
    """A sketch of the number of clusters and the effective number of independent rows.

    Each row without a key is a cluster of its own.

    :param distinct: a sketch of the keys.
    :param counters: signed row counts by hash of the key. The sum of their squares estimates the sum of the squared
        cluster sizes, because clusters that share a counter cancel on average (Alon, Matias and Szegedy 1996; many
        counters as in Charikar, Chen and Farach-Colton 2002).
    :param alone: the number of rows without a key.
    """

    distinct: DistinctSketch = field(default_factory=DistinctSketch)
    counters: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(COUNTERS, dtype=np.int64))
    alone: int = 0

    def add(self, hashes: Hashes, rows: npt.ArrayLike | None = None) -> None:
        """Add rows.

        :param hashes: the hashes of their keys, one per row or, with ``rows``, one per cluster.
        :param rows: the number of rows of each cluster.
        """
        indexes = (hashes & np.uint32(2 * COUNTERS - 1)).astype(np.int64)  # the counter and its sign bit
        weights = None if rows is None else np.asarray(rows, dtype=np.float64)
        sums = np.bincount(indexes, weights=weights, minlength=2 * COUNTERS).astype(np.int64)
        self.counters = self.counters + sums[COUNTERS:] - sums[:COUNTERS]
        self.distinct.add(hashes)

    def merge(self, other: ClusterSketch) -> ClusterSketch:
        """Return the union of both."""
        counters = self.counters + other.counters
        return ClusterSketch(self.distinct.merge(other.distinct), counters, self.alone + other.alone)

    @property
    def cluster_count(self) -> int:
        """The estimated number of clusters, to about 3 %."""
        return self.distinct.estimate() + self.alone

    def effective_rows(self, rows: int) -> int:
        """Estimate Kish's effective sample size, to about 4 %: rows^2 / (the sum of the squared cluster sizes).

        It is the number of clusters when all have the same size, and less when few have most of the rows (Kish 1965).

        :param rows: the number of rows added.
        """
        squares = float((self.counters.astype(np.float64) ** 2).sum()) + self.alone
        return min(rows, self.cluster_count, round(rows**2 / squares)) if squares else min(rows, self.cluster_count)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"distinct": self.distinct.to_text(), "counters": self.counters.tolist(), "alone": self.alone}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Parse the JSON form.

        :raises ValueError: when the number of counters is wrong.
        """
        counters = np.array(data["counters"], dtype=np.int64)
        if counters.shape != (COUNTERS,):
            raise ValueError(f"a sketch has {COUNTERS} counters, not {counters.size}")
        return cls(DistinctSketch.from_text(data["distinct"]), counters, int(data["alone"]))
