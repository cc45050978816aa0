# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""Counting categories in SQL: by name up to the cap, and by hash beyond it.

Names are counted as they are stored, and only the different ones are cleaned and hashed; the hash is that of
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
import numpy.typing as npt

from airflow_mlops.core.data.database import Reader
from airflow_mlops.core.data.profiles.categories import BUCKETS, LENGTHS, MOST_NAMES, Categories, Overflow
from airflow_mlops.core.data.profiles.names import (
    FACTORS,
    HEAD,
    LONGEST_NAME,
    MOST_BYTES,
    PRIME,
    SHORTENED,
    characters,
    clean_name,
)
from airflow_mlops.core.data.profiles.numbers import CELLS, Numbers
from airflow_mlops.core.data.profiles.sketch import COUNTERS, REGISTERS, ClusterSketch, DistinctSketch
from airflow_mlops.core.data.sql.dialect import Dialect
from airflow_mlops.core.data.sql.postgres import Postgres

LOW_BITS = 31 - REGISTERS.bit_length() + 1  # of a hash; the bits above them choose the register
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NameColumn:
    """A column to be counted.

    :param value: the expression that reads it as names.
    :param like: the reference's categories.
    """

    value: str
    like: Categories | None


def count_names(reader: Reader, dialect: Dialect, columns: Sequence[NameColumn]) -> list[tuple[int, Categories]]:
    """Count columns: missing values, and the rest by name; by hash too where there are too many names."""
    if not columns:
        return []
    listed = [(i, name) for i, column in enumerate(columns) for name in (column.like.base if column.like else ())]
    missing, counts = [0] * len(columns), [{} for _ in columns]  # type: list[int], list[dict[str, int]]
    known = json.dumps([pair for pair in listed if "\0" not in pair[1]])  # which PostgreSQL cannot have
    for i, name, count in reader.ask(_by_name(reader, dialect, columns), {"known": known}):
        if name is None:
            missing[i] += int(count)
        else:
            counts[i][name] = int(count)
    return [(missing[i], _categories(reader, dialect, column, counts[i])) for i, column in enumerate(columns)]


def _by_name(reader: Reader, dialect: Dialect, columns: Sequence[NameColumn]) -> str:
    """Ask for names and how often they occur: the reference's, the most frequent others, and what is missing.

    Of others it is enough to see one more than can be kept.
    """
    most = 2 * MOST_NAMES + 1
    return f"""
        WITH counted AS MATERIALIZED ({dialect.grouped([column.value for column in columns], reader.rows)}),
        named AS MATERIALIZED (
            SELECT i, name, CAST(sum(n) AS bigint) AS n
            FROM (SELECT i, {_clean(dialect, "value")} AS name, n FROM counted) AS cleaned GROUP BY i, name),
        known AS ({dialect.pairs(":known")}),
        ranked AS (
            SELECT named.i, named.name, named.n, row_number() OVER (
                PARTITION BY named.i
                ORDER BY CASE WHEN known.name IS NULL THEN 1 ELSE 0 END, named.n DESC,
                    named.name COLLATE {dialect.binary}
            ) AS place
            FROM named LEFT JOIN known ON known.i = named.i AND known.name = named.name
            WHERE named.name IS NOT NULL)
        SELECT i, name, n FROM ranked WHERE place <= {most}
        UNION ALL SELECT i, name, n FROM named WHERE name IS NULL"""


def _categories(reader: Reader, dialect: Dialect, column: NameColumn, counts: dict[str, int]) -> Categories:
    if column.like is None:
        base = tuple(sorted(counts, key=lambda name: (-counts[name], name))[:MOST_NAMES])
    else:
        base = column.like.base
    named = set(base)
    too_many = sum(name not in named for name in counts) > (MOST_NAMES if column.like else 0)
    if not too_many and not (column.like and column.like.overflow):
        return Categories(base, counts)
    hashed = _by_hash(reader, dialect, column.value)
    return Categories.of(base, counts, hashed.overflow())


def clusters(reader: Reader, dialect: Dialect, key: str) -> ClusterSketch:
    """Count groups of rows.

    :param key: the expression that reads their key as a name; rows without one are groups of their own.
    """
    hashed = _by_hash(reader, dialect, key)
    alone = reader.ask(f"SELECT count(*) - count({key}) FROM {reader.rows}")[0][0]
    return ClusterSketch(hashed.distinct(), hashed.places[COUNTERS:] - hashed.places[:COUNTERS], int(alone))


@dataclass(frozen=True, slots=True)
class _Hashed:
    """What is counted of a column by hash.

    :param places: values by the lowest bits of their name's hash: the counter and the sign of a cluster sketch, and
        the bucket of an overflow.
    :param least: register -> the least of the other bits.
    :param lengths: how many characters the values have.
    """

    places: Whole
    least: Mapping[int, int]
    lengths: Numbers

    def distinct(self) -> DistinctSketch:
        sketch = DistinctSketch()
        sketch.add(np.array([register << LOW_BITS | low for register, low in self.least.items()], dtype=np.uint32))
        return sketch

    def overflow(self) -> Overflow:
        buckets = self.places.reshape(-1, BUCKETS).sum(axis=0)
        return Overflow(buckets, self.distinct(), self.lengths)


def _by_hash(reader: Reader, dialect: Dialect, value: str) -> _Hashed:
    """Count a column by hash, in one query that gives at most 5,121 rows."""
    query = f"""
        WITH counted AS (SELECT {value} AS value, count(*) AS n FROM {reader.rows} GROUP BY 1),
        named AS MATERIALIZED (
            SELECT name, CAST(sum(n) AS bigint) AS n
            FROM (SELECT {_clean(dialect, "value")} AS name, n FROM counted WHERE value IS NOT NULL) AS cleaned
            GROUP BY name),
        hashed AS MATERIALIZED (
            SELECT hash, n, characters FROM ({_hashed(dialect)}) AS hashing)
        SELECT 'place' AS what, hash & {2 * COUNTERS - 1} AS i, sum(n), 0, 0, 0, 0
            FROM hashed GROUP BY 2
        UNION ALL SELECT 'least', hash >> {LOW_BITS}, min(hash & {(1 << LOW_BITS) - 1}), 0, 0, 0, 0
            FROM hashed GROUP BY 2
        UNION ALL SELECT 'length', CASE WHEN characters < {CELLS} THEN characters ELSE {CELLS} END, sum(n),
            sum(n * (characters - {CELLS // 2})), sum(n * (characters - {CELLS // 2}) * (characters - {CELLS // 2})),
            min(characters), max(characters)
            FROM hashed GROUP BY 2"""
    places, least = np.zeros(2 * COUNTERS, dtype=np.int64), {}  # type: Whole, dict[int, int]
    lengths = Numbers.of(LENGTHS, [], [])
    near: dict[int, int] = {}
    for what, i, count, total, squares, shortest, longest in reader.ask(query):
        if what == "place":
            places[i] = int(count)
        elif what == "least":
            least[int(i)] = int(count)
        elif i < CELLS:
            near[int(i)] = int(count)
        else:
            lengths = _long(int(count), int(total), int(squares), (float(shortest), float(longest)))
    return _Hashed(places, least, Numbers.of(LENGTHS, list(near), list(near.values())).merged(lengths))


def _long(count: int, total: int, squares: int, ends: tuple[float, float]) -> Numbers:
    """Give the lengths beyond the grid, of which only sums are known, around the middle of its cells.

    A length lies half a cell to the right of its cell's left edge.
    """
    return Numbers(
        LENGTHS,
        np.zeros(CELLS, dtype=np.int64),
        above=count,
        above_sum=total - count * (CELLS / 2 - 0.5),
        total=total + 0.5 * count,
        squares=squares + total + 0.25 * count,
        min=ends[0],
        max=ends[1],
    )


def _clean(dialect: Dialect, name: str) -> str:
    """Normalise and shorten a name; null stays."""
    if not isinstance(dialect, Postgres):
        return f"mlops_clean({name})"
    normal = f"CASE WHEN octet_length({name}) = char_length({name}) THEN {name} ELSE normalize({name}, NFC) END"
    digest = f"left(encode(sha256(convert_to({normal}, 'UTF8')), 'hex'), 24)"
    short = f"left({normal}, {HEAD}) || '…' || {digest} || '…' || char_length({normal})"
    return f"CASE WHEN char_length({normal}) > {LONGEST_NAME} THEN {short} ELSE {normal} END"


def _hashed(dialect: Dialect) -> str:
    """Hash the names of ``named``: rows ``(hash, n, characters)``."""
    if not isinstance(dialect, Postgres):
        return "SELECT mlops_hash(name) AS hash, n, mlops_characters(name) AS characters FROM named"
    length = (
        f"CASE WHEN char_length(name) >= {LONGEST_NAME - 12} AND name ~ '{_POSTGRES_SHORTENED}'"
        f" THEN CAST(substring(name FROM '…([0-9]+)$') AS bigint) ELSE char_length(name) END"
    )
    utf8 = "convert_to(name, 'UTF8')"
    short = f"CASE WHEN octet_length({utf8}) > {MOST_BYTES}"
    encoded = f"SELECT {short} THEN convert_to(encode(sha256({utf8}), 'hex'), 'UTF8') ELSE {utf8} END AS bytes, n,"
    encoded += f" {length} AS characters FROM named {dialect.fence}"
    padded = f"SELECT bytes || '\\x000000' AS bytes, octet_length(bytes) AS size, n, characters FROM ({encoded}) AS e"
    words = " + ".join(
        f"CASE WHEN size > {4 * i} THEN {_word(4 * i)} % {PRIME} * {factor} % {PRIME} ELSE 0 END"
        for i, factor in enumerate(FACTORS[1:])
    )
    total = f"(CAST(size AS bigint) * {FACTORS[0]} % {PRIME} + {words}) % {PRIME}"
    summed = f"SELECT {total} AS h, n, characters FROM ({padded} {dialect.fence}) AS p {dialect.fence}"
    squared = f"SELECT h, h * h % {PRIME} AS square, n, characters FROM ({summed}) AS s {dialect.fence}"
    return f"SELECT square * square % {PRIME} * h % {PRIME} AS hash, n, characters FROM ({squared}) AS q"


_POSTGRES_SHORTENED = SHORTENED.removeprefix("(?s)")  # a dot is any character there anyway


def _word(start: int) -> str:
    """Give four bytes as a whole number, the first the most significant."""
    places = ((start + i, 24 - 8 * i) for i in range(4))
    return "(" + " + ".join(f"(CAST(get_byte(bytes, {place}) AS bigint) << {shift})" for place, shift in places) + ")"


def _hash(name: str) -> int:
    """Hash one clean name."""
    text = name.encode()
    if len(text) > MOST_BYTES:
        text = hashlib.sha256(text).hexdigest().encode()
    words = (len(text), *struct.unpack(">16I", text.ljust(MOST_BYTES, b"\0")))
    total = sum(word * factor for word, factor in zip(words, FACTORS, strict=True))
    return int(pow(total, 5, PRIME))


def _or_null(function: Callable[[str], Any]) -> Callable[[str | None], Any]:
    return lambda name: None if name is None else function(name)


# What SQLite lacks.
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "mlops_clean": _or_null(clean_name),
    "mlops_hash": _or_null(_hash),
    "mlops_characters": _or_null(characters),
}
