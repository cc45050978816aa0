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

from airflow_mlops.core.data.profiles.categories import LENGTHS
from airflow_mlops.core.data.profiles.names import LONGEST_NAME, SHORTENED, Hashes, clean_name, utf8_hashes
from airflow_mlops.core.data.profiles.numbers import CELLS, Numbers

BLOCK = 65_536  # names whose bytes are laid side by side at a time
SHORTEST_SHORTENED = 68


@dataclass(frozen=True, slots=True)
class Clean:
    """Clean names, without nulls.

    :param names: the names.
    :param data: their UTF-8 bytes, one after the other.
    :param sizes: how many bytes each has.
    """

    names: pl.Series
    data: bytes
    sizes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, names: pl.Series) -> Self:
        """Clean names that have no nulls."""
        data = cast(str, names.str.join("").item()).encode()
        sizes = names.str.len_bytes().to_numpy().astype(np.int64)
        if data.isascii() and sizes.max(initial=0) <= LONGEST_NAME:
            return cls(names, data, sizes)  # which is normal, and in normal form
        cleaned = clean(names)
        data = cast(str, cleaned.str.join("").item()).encode()
        return cls(cleaned, data, cleaned.str.len_bytes().to_numpy().astype(np.int64))

    def hashes(self) -> Hashes:
        """Hash the names; shape (names,)."""
        return utf8_hashes(self.data, self.sizes)

    def characters(self) -> npt.NDArray[np.int64]:
        """Count the characters that the names had before they were shortened; shape (names,)."""
        if self.data.isascii():
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


def counted_lengths(characters: npt.NDArray[np.int64], rows: npt.NDArray[np.int64] | None = None) -> Numbers:
    """Count lengths.

    :param characters: lengths.
    :param rows: how many values have each; one without.
    """
    rows = np.ones(len(characters), dtype=np.int64) if rows is None else rows
    near = np.bincount(np.minimum(characters, CELLS), weights=rows, minlength=CELLS + 1)[:CELLS]
    far = characters >= CELLS
    found = np.flatnonzero(near)
    return Numbers.of(LENGTHS, np.append(found, characters[far]), np.append(near[found], rows[far]))
