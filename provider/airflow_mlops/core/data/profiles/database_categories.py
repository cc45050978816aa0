# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""Counts of categories in SQL: by name up to the cap, and by hash beyond it.

Stored values are counted first; only the distinct ones are cleaned and hashed, with the hash of
:mod:`~airflow_mlops.core.data.profiles.names`.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airflow_mlops.core.data.database import TableReader
from airflow_mlops.core.data.profiles.categories import (
    BUCKETS,
    LENGTH_GRID,
    MAX_NAMES,
    CategoryCounts,
    CategoryOverflow,
)
from airflow_mlops.core.data.profiles.names import (
    FACTORS,
    MAX_HASHED_BYTES,
    PRIME,
    clean_name,
    original_length,
)
from airflow_mlops.core.data.profiles.numbers import CELLS, IntArray, NumberHistogram
from airflow_mlops.core.data.profiles.sketch import COUNTERS, REGISTERS, ClusterSketch, DistinctSketch
from airflow_mlops.core.data.sql.dialect import Dialect

LOW_BITS = 31 - REGISTERS.bit_length() + 1  # of a hash; the bits above them select the register


@dataclass(frozen=True, slots=True)
class CategoryColumn:
    """A column to be counted.

    :param value: the expression that converts it to names.
    :param like: the reference's categories.
    """

    value: str
    like: CategoryCounts | None


def count_categories(
    reader: TableReader, dialect: Dialect, columns: Sequence[CategoryColumn]
) -> list[tuple[int, CategoryCounts]]:
    """Return, per column, the number of missing values and the counts by name; also by hash after an overflow."""
    if not columns:
        return []
    base_names = [(i, name) for i, column in enumerate(columns) for name in (column.like.base if column.like else ())]
    missing, counts = [0] * len(columns), [{} for _ in columns]  # type: list[int], list[dict[str, int]]
    base = json.dumps([pair for pair in base_names if "\0" not in pair[1]])  # PostgreSQL text cannot contain NUL
    for i, name, count in reader.query(_count_by_name_query(reader, dialect, columns), {"base": base}):
        if name is None:
            missing[i] += int(count)
        else:
            counts[i][name] = int(count)
    return [(missing[i], _categories(reader, dialect, column, counts[i])) for i, column in enumerate(columns)]


def _count_by_name_query(reader: TableReader, dialect: Dialect, columns: Sequence[CategoryColumn]) -> str:
    """Return the query that counts the reference's names, the most frequent other names, and missing values.

    One more name than can be counted shows that a column overflows.
    """
    max_names = 2 * MAX_NAMES + 1
    return f"""
        WITH counted AS MATERIALIZED ({dialect.count_values([column.value for column in columns], reader.from_clause)}),
        named AS MATERIALIZED (
            SELECT i, name, CAST(sum(n) AS bigint) AS n
            FROM (SELECT i, {dialect.clean_name("value")} AS name, n FROM counted) AS cleaned GROUP BY i, name),
        base AS ({dialect.unnest_pairs(":base")}),
        ranked AS (
            SELECT named.i, named.name, named.n, row_number() OVER (
                PARTITION BY named.i
                ORDER BY CASE WHEN base.name IS NULL THEN 1 ELSE 0 END, named.n DESC,
                    named.name COLLATE {dialect.binary}
            ) AS position
            FROM named LEFT JOIN base ON base.i = named.i AND base.name = named.name
            WHERE named.name IS NOT NULL)
        SELECT i, name, n FROM ranked WHERE position <= {max_names}
        UNION ALL SELECT i, name, n FROM named WHERE name IS NULL"""


def _categories(
    reader: TableReader, dialect: Dialect, column: CategoryColumn, counts: dict[str, int]
) -> CategoryCounts:
    if column.like is None:
        base = tuple(sorted(counts, key=lambda name: (-counts[name], name))[:MAX_NAMES])
    else:
        base = column.like.base
    base_names = set(base)
    too_many = sum(name not in base_names for name in counts) > (MAX_NAMES if column.like else 0)
    if not too_many and not (column.like and column.like.overflow):
        return CategoryCounts(base, counts)
    hash_counts = _count_by_hash(reader, dialect, column.value)
    return CategoryCounts.from_counts(base, counts, hash_counts.overflow())


def count_clusters(reader: TableReader, dialect: Dialect, key: str) -> ClusterSketch:
    """Count the clusters of rows.

    :param key: the expression that converts their key to a name; rows without a key are clusters of their own.
    """
    hash_counts = _count_by_hash(reader, dialect, key)
    alone = reader.query(f"SELECT count(*) - count({key}) FROM {reader.from_clause}")[0][0]
    counters = hash_counts.counts[COUNTERS:] - hash_counts.counts[:COUNTERS]
    return ClusterSketch(hash_counts.distinct(), counters, int(alone))


@dataclass(frozen=True, slots=True)
class _HashCounts:
    """The counts of a column by hash.

    :param counts: the number of values by the lowest bits of their name's hash: the counter and sign of a cluster
        sketch, and the bucket of an overflow.
    :param registers: register -> the minimum of the remaining bits.
    :param lengths: the lengths of the values in characters.
    """

    counts: IntArray
    registers: Mapping[int, int]
    lengths: NumberHistogram

    def distinct(self) -> DistinctSketch:
        sketch = DistinctSketch()
        sketch.add(np.array([register << LOW_BITS | low for register, low in self.registers.items()], dtype=np.uint32))
        return sketch

    def overflow(self) -> CategoryOverflow:
        buckets = self.counts.reshape(-1, BUCKETS).sum(axis=0)
        return CategoryOverflow(buckets, self.distinct(), self.lengths)


def _count_by_hash(reader: TableReader, dialect: Dialect, value: str) -> _HashCounts:
    """Count a column by hash, in one query that returns at most 5,121 rows."""
    query = f"""
        WITH counted AS (SELECT {value} AS value, count(*) AS n FROM {reader.from_clause} GROUP BY 1),
        named AS MATERIALIZED (
            SELECT name, CAST(sum(n) AS bigint) AS n
            FROM (SELECT {dialect.clean_name("value")} AS name, n FROM counted WHERE value IS NOT NULL) AS cleaned
            GROUP BY name),
        hashed AS MATERIALIZED (
            SELECT hash, n, characters FROM ({dialect.hash_names()}) AS hashing)
        SELECT 'counter' AS what, hash & {2 * COUNTERS - 1} AS i, sum(n), 0, 0, 0, 0
            FROM hashed GROUP BY 2
        UNION ALL SELECT 'register', hash >> {LOW_BITS}, min(hash & {(1 << LOW_BITS) - 1}), 0, 0, 0, 0
            FROM hashed GROUP BY 2
        UNION ALL SELECT 'length', CASE WHEN characters < {CELLS} THEN characters ELSE {CELLS} END, sum(n),
            sum(n * (characters - {CELLS // 2})), sum(n * (characters - {CELLS // 2}) * (characters - {CELLS // 2})),
            min(characters), max(characters)
            FROM hashed GROUP BY 2"""
    counts, registers = np.zeros(2 * COUNTERS, dtype=np.int64), {}  # type: IntArray, dict[int, int]
    lengths = NumberHistogram.from_values(LENGTH_GRID, [], [])
    length_counts: dict[int, int] = {}
    for what, i, count, total, squares, shortest, longest in reader.query(query):
        if what == "counter":
            counts[i] = int(count)
        elif what == "register":
            registers[int(i)] = int(count)
        elif i < CELLS:
            length_counts[int(i)] = int(count)
        else:
            lengths = _lengths_above(int(count), int(total), int(squares), (float(shortest), float(longest)))
    on_grid = NumberHistogram.from_values(LENGTH_GRID, list(length_counts), list(length_counts.values()))
    return _HashCounts(counts, registers, on_grid.merge(lengths))


def _lengths_above(count: int, total: int, squares: int, ends: tuple[float, float]) -> NumberHistogram:
    """Return the lengths above the grid, of which only sums around its center are available.

    A length lies half a cell to the right of its cell's left edge.
    """
    return NumberHistogram(
        LENGTH_GRID,
        np.zeros(CELLS, dtype=np.int64),
        above=count,
        above_sum=total - count * (CELLS / 2 - 0.5),
        total=total + 0.5 * count,
        squares=squares + total + 0.25 * count,
        min=ends[0],
        max=ends[1],
    )


def _hash(name: str) -> int:
    """Hash one clean name."""
    text = name.encode()
    if len(text) > MAX_HASHED_BYTES:
        text = hashlib.sha256(text).hexdigest().encode()
    words = (len(text), *struct.unpack(">16I", text.ljust(MAX_HASHED_BYTES, b"\0")))
    total = sum(word * factor for word, factor in zip(words, FACTORS, strict=True))
    return int(pow(total, 5, PRIME))


def _skip_null(function: Callable[[str], Any]) -> Callable[[str | None], Any]:
    return lambda name: None if name is None else function(name)


# Scalar functions that SQLite lacks.
SQLITE_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "mlops_clean": _skip_null(clean_name),
    "mlops_hash": _skip_null(_hash),
    "mlops_characters": _skip_null(original_length),
}
