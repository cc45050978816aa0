"""Normalisation, lengths and hashes of the names in Polars columns.

The results are those of :mod:`airflow_mlops.core.data.profiles.names` for each name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from airflow_mlops.core.data.profiles.arrow import INLINE, Views, text_views
from airflow_mlops.core.data.profiles.categories import LENGTH_GRID
from airflow_mlops.core.data.profiles.names import (
    MAX_NAME_LENGTH,
    SHORTENED_PATTERN,
    Hashes,
    clean_name,
    hash_short_names,
    hash_utf8,
)
from airflow_mlops.core.data.profiles.numbers import CELLS, NumberHistogram

BLOCK = 65_536  # names per block
MIN_SHORTENED_LENGTH = 68
_BEYOND_ASCII = np.uint64(0x8080808080808080)


@dataclass(frozen=True, slots=True)
class NameBlock:
    """A block of clean names, without nulls.

    :param names: the names.
    :param sizes: the number of UTF-8 bytes of each.
    :param content: the names' views if all names are short, else their concatenated bytes.
    :param ascii: all characters are ASCII.
    """

    names: pl.Series
    sizes: npt.NDArray[np.int64]
    content: Views | bytes
    ascii: bool

    @classmethod
    def from_series(cls, names: pl.Series) -> Self:
        """Clean names without nulls."""
        block = cls._read(names)
        if block.ascii and block.sizes.max(initial=0) <= MAX_NAME_LENGTH:
            return block  # clean already, as most blocks are
        return cls._read(clean_names(names))

    @classmethod
    def _read(cls, names: pl.Series) -> Self:
        views = text_views(names)
        sizes = names.str.len_bytes().to_numpy() if views is None else views[:, 0]
        if views is not None and sizes.max(initial=0) <= INLINE:
            bits = np.bitwise_or.reduce(
                views.reshape(-1).view(np.uint64)
            )  # the sizes are too small to set the tested bits
            return cls(names, sizes.astype(np.int64), views, not bits & _BEYOND_ASCII)
        text = cast(str, names.str.join("").item()).encode()
        return cls(names, sizes.astype(np.int64), text, text.isascii())

    def hashes(self) -> Hashes:
        """Hash the names; shape (names,)."""
        if isinstance(self.content, bytes):
            return hash_utf8(self.content, self.sizes)
        return hash_short_names(self.content)

    def lengths(self) -> npt.NDArray[np.int64]:
        """Return the lengths in characters that the names had before they were shortened; shape (names,)."""
        if self.ascii:
            return self.sizes
        lengths = self.names.str.len_chars()
        if (lengths >= MIN_SHORTENED_LENGTH).any():
            lengths = self.names.str.extract(SHORTENED_PATTERN, 1).cast(pl.UInt32, strict=False).fill_null(lengths)
        return lengths.to_numpy().astype(np.int64)


def clean_names(names: pl.Series) -> pl.Series:
    """Normalise and shorten names; nulls stay null."""
    if names.str.len_bytes().sum() != names.str.len_chars().sum():
        names = names.str.normalize("NFC")
    long = names.str.len_chars() > MAX_NAME_LENGTH
    if not long.any():
        return names
    distinct = names.filter(long).unique()
    return names.replace(distinct, pl.Series([clean_name(name) for name in distinct.to_list()], dtype=pl.String))


def iter_blocks(names: pl.Series) -> Iterator[NameBlock]:
    """Clean names without nulls, in blocks that fit the CPU cache."""
    return (NameBlock.from_series(names.slice(start, BLOCK)) for start in range(0, len(names), BLOCK))


def count_lengths(lengths: npt.NDArray[np.int64]) -> NumberHistogram:
    """Count lengths.

    :param lengths: the length of each value.
    """
    shortest, longest = int(lengths.min(initial=CELLS)), int(lengths.max(initial=0))
    if shortest == longest:
        return NumberHistogram.from_values(LENGTH_GRID, [longest], [len(lengths)])
    beyond = lengths[lengths >= CELLS] if longest >= CELLS else lengths[:0]
    counts = np.bincount(np.minimum(lengths, CELLS) if len(beyond) else lengths, minlength=CELLS)[:CELLS]
    present = np.flatnonzero(counts)
    return NumberHistogram.from_values(
        LENGTH_GRID, np.append(present, beyond), np.append(counts[present], np.ones_like(beyond))
    )
