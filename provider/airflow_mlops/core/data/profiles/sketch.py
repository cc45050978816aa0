"""A count of distinct values that adds up, on hashes that are the same everywhere and always."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
REGISTERS = 1024  # relative error 1.04 / sqrt(1024) = 3 %; small counts are nearly exact
LONGEST_NAME = 80
BLOCK = 8192
_MULTIPLIER = 0x9E3779B97F4A7C15  # odd; the constants are part of the profile format


def stable_hashes(names: Sequence[str]) -> Hashes:
    """Hash texts to 64 bits: a polynomial over the UTF-8 bytes modulo 2^64, then SplitMix64's finish."""
    blocks = [_hashes(names[start : start + BLOCK]) for start in range(0, len(names), BLOCK)]
    return np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.uint64)


def _hashes(names: Sequence[str]) -> Hashes:
    encoded = [name.encode() for name in names]
    lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    data = np.frombuffer(b"".join(encoded), dtype=np.uint8).astype(np.uint64)
    ends = np.cumsum(lengths)
    with np.errstate(over="ignore"):
        powers = np.cumprod(np.full(int(lengths.max()) + 1, _MULTIPLIER, dtype=np.uint64))
        place = np.arange(len(data)) - np.repeat(ends - lengths, lengths)
        running = np.concatenate([[np.uint64(0)], np.cumsum((data + np.uint64(1)) * powers[place], dtype=np.uint64)])
        z = running[ends] - running[ends - lengths] + lengths.astype(np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: Hashes = z ^ (z >> np.uint64(31))
    return result


def short_name(name: str) -> str:
    """Bound a category's name; a long one keeps its beginning and a digest, so that it stays itself."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:40]}…{hashlib.blake2b(name.encode(), digest_size=12).hexdigest()}"


@dataclass(slots=True)
class DistinctSketch:
    """HyperLogLog (Flajolet et al. 2007): the union of two is the larger of each register, in any order.

    :param registers: the longest run of zeros seen, by bucket.
    """

    registers: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(REGISTERS, dtype=np.uint8))

    def add(self, hashes: Hashes) -> None:
        """Count hashes in; one that was there changes nothing."""
        index = (hashes >> np.uint64(54)).astype(np.int64)
        low = (hashes & np.uint64((1 << 53) - 1)).astype(np.float64)  # 53 bits are exact in a float
        rank = (54 - np.frexp(low)[1]).astype(np.uint8)
        np.maximum.at(self.registers, index, rank)

    def merged(self, other: Self) -> DistinctSketch:
        """Give the sketch of both."""
        return DistinctSketch(np.maximum(self.registers, other.registers))

    def estimate(self) -> int:
        """Estimate how many different values were added."""
        empty = int((self.registers == 0).sum())
        raw = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS**2 / float((2.0 ** -self.registers.astype(float)).sum())
        if empty and raw <= 2.5 * REGISTERS:
            return round(REGISTERS * float(np.log(REGISTERS / empty)))
        return round(raw)

    def to_text(self) -> str:
        """Give the registers as base64 text."""
        return base64.b64encode(self.registers.tobytes()).decode()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read registers back."""
        return cls(np.frombuffer(base64.b64decode(text), dtype=np.uint8).copy())
