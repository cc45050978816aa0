"""Names in Polars columns: cleaned, measured and hashed many at a time.

It gives what :mod:`airflow_mlops.core.data.profiles.names` gives for one name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from airflow_mlops.core.data.profiles.arrow import INLINE, Views, text_views
from airflow_mlops.core.data.profiles.categories import LENGTHS
from airflow_mlops.core.data.profiles.names import (
    LONGEST_NAME,
    SHORTENED,
    Hashes,
    clean_name,
    short_hashes,
    utf8_hashes,
)
from airflow_mlops.core.data.profiles.numbers import CELLS, Numbers

BLOCK = 65_536  # names whose bytes are laid side by side at a time
SHORTEST_SHORTENED = 68
_BEYOND_ASCII = np.uint64(0x8080808080808080)


@dataclass(frozen=True, slots=True)
class Clean:
    """Clean names, without nulls.

    :param names: the names.
    :param sizes: how many bytes each has in UTF-8.
    :param laid: the bytes: the names' views where all are short, else one name's after the other's.
    :param ascii: there are no other characters.
    """

    names: pl.Series
    sizes: npt.NDArray[np.int64]
    laid: Views | bytes
    ascii: bool

    @classmethod
    def of(cls, names: pl.Series) -> Self:
        """Clean names that have no nulls."""
        found = cls._read(names)
        if found.ascii and found.sizes.max(initial=0) <= LONGEST_NAME:
            return found  # which is normal, and in normal form
        return cls._read(clean(names))

    @classmethod
    def _read(cls, names: pl.Series) -> Self:
        views = text_views(names)
        sizes = names.str.len_bytes().to_numpy() if views is None else views[:, 0]
        if views is not None and sizes.max(initial=0) <= INLINE:
            bits = np.bitwise_or.reduce(views.reshape(-1).view(np.uint64))  # sizes do not have the highest ones
            return cls(names, sizes.astype(np.int64), views, not bits & _BEYOND_ASCII)
        text = cast(str, names.str.join("").item()).encode()
        return cls(names, sizes.astype(np.int64), text, text.isascii())

    def hashes(self) -> Hashes:
        """Hash the names; shape (names,)."""
        return utf8_hashes(self.laid, self.sizes) if isinstance(self.laid, bytes) else short_hashes(self.laid)

    def characters(self) -> npt.NDArray[np.int64]:
        """Count the characters that the names had before they were shortened; shape (names,)."""
        if self.ascii:
            return self.sizes
        found = self.names.str.len_chars()
        if (found >= SHORTEST_SHORTENED).any():
            found = self.names.str.extract(SHORTENED, 1).cast(pl.UInt32, strict=False).fill_null(found)
        return found.to_numpy().astype(np.int64)


def clean(names: pl.Series) -> pl.Series:
    """Normalise and shorten names; nulls stay."""
    if names.str.len_bytes().sum() != names.str.len_chars().sum():
        names = names.str.normalize("NFC")
    long = names.str.len_chars() > LONGEST_NAME
    if not long.any():
        return names
    different = names.filter(long).unique()
    return names.replace(different, pl.Series([clean_name(name) for name in different.to_list()], dtype=pl.String))


def blocks(names: pl.Series) -> Iterator[Clean]:
    """Clean names, without nulls, so many at a time as stay in the processor's cache."""
    return (Clean.of(names.slice(start, BLOCK)) for start in range(0, len(names), BLOCK))


def counted_lengths(characters: npt.NDArray[np.int64]) -> Numbers:
    """Count lengths.

    :param characters: the length of each value.
    """
    shortest, longest = int(characters.min(initial=CELLS)), int(characters.max(initial=0))
    if shortest == longest:
        return Numbers.of(LENGTHS, [longest], [len(characters)])
    far = characters[characters >= CELLS] if longest >= CELLS else characters[:0]
    near = np.bincount(np.minimum(characters, CELLS) if len(far) else characters, minlength=CELLS)[:CELLS]
    found = np.flatnonzero(near)
    return Numbers.of(LENGTHS, np.append(found, far), np.append(near[found], np.ones_like(far)))
