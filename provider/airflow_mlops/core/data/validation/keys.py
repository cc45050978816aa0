"""Whether values occur twice in a table of any length.

No slice can decide it alone. In most tables, though, a key is sorted, and that is seen while the rules are run: then
nothing more has to be read. Otherwise each row's values become one 64-bit hash, and the hashes are sorted, for many
rows in several passes so that memory stays bounded. Only where a hash occurs twice are the values looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import polars as pl

from airflow_mlops.core.data.frames import Table, collected
from airflow_mlops.core.data.validation.judging import MOST_EXAMPLES, unique_judged
from airflow_mlops.core.data.validation.names import count_name
from airflow_mlops.core.data.validation.polars_rules import shown
from airflow_mlops.core.data.validation.polars_values import named
from airflow_mlops.core.data.validation.rules import Unique
from airflow_mlops.core.report import Check

PASS_ROWS = 20_000_000  # so many hashes are held at once: 160 MB, and as much again sorted
_HASH = "hash"


class Rising:
    """Watches whether a column rises from row to row, slice after slice: then no value occurs twice.

    :param column: the column.
    :param dtype: its type; only whole numbers and times are watched, of which a look is cheap.
    """

    def __init__(self, column: str, dtype: pl.DataType) -> None:
        self.column = column
        self.sure = dtype.is_integer() or dtype in (pl.Date, pl.Datetime)
        self.last: Any = None

    def expressions(self, name: str) -> list[pl.Expr]:
        """Give what has to be computed of each slice."""
        value = named(self.column).to_physical()
        rises = (value > value.shift(1)).fill_null(False).sum() + 1 == pl.len()
        return [rises.alias(f"{name} rises"), value.first().alias(f"{name} first"), value.last().alias(f"{name} last")]

    def see(self, rises: bool, first: Any, last: Any) -> None:
        """Take in one slice."""
        follows = self.last is None or (first is not None and first > self.last)
        self.sure = self.sure and bool(rises) and follows and last is not None
        self.last = last


def judge_unique(table: Table, rule: Unique, twice: pl.DataFrame | None) -> Check:
    """Judge that no two rows have the same values in some columns. Rows where one is missing are not compared.

    :param twice: what :func:`repeated` found; None when nothing had to be looked for.
    """
    if twice is None:
        return unique_judged(rule, 0, table.rows, ())
    count, columns = pl.col(count_name(rule.columns)), [named(name) for name in rule.columns]
    total = twice.select((count - 1).sum()).item() or 0
    worst = twice.sort([count, *columns], descending=[True, *[False] * len(columns)]).head(MOST_EXAMPLES)
    return unique_judged(rule, int(total), table.rows, shown(worst))


def repeated(table: Table, names: Sequence[str]) -> pl.DataFrame:
    """Find the values that more than one row has, and how many rows have each (see :func:`count_name`)."""
    keys = _present(table, names)
    hashes = _hashes_twice(table, keys, names)
    keys = keys.head(0) if hashes.is_empty() else keys.filter(_hash(names).is_in(hashes.implode()))
    count = count_name(names)
    groups = keys.group_by([named(name) for name in names]).agg(pl.len().alias(count)).filter(pl.col(count) > 1)
    return collected(groups, table.where)


def among_repeated(table: Table, names: Sequence[str], twice: pl.DataFrame) -> pl.Expr:
    """Say of a row whether its values are among the repeated ones.

    :param twice: what :func:`repeated` found.
    """
    values = [_value(table, name) for name in names]
    if len(names) == 1:
        return values[0].is_in(twice[names[0]].alias("known").implode()).fill_null(False)
    there = reduce(lambda a, b: a & b, [value.is_not_null() for value in values])
    known = twice.select(pl.struct([named(name) for name in names]).alias("known").implode()).to_series()
    return there & pl.struct(values).is_in(known).fill_null(False)


def _hash(names: Sequence[str]) -> pl.Expr:
    """Give one number a row; different values very rarely give the same."""
    return reduce(lambda a, b: a ^ b, (named(name).hash(seed=seed) for seed, name in enumerate(names)))


def _hashes_twice(table: Table, keys: pl.LazyFrame, names: Sequence[str]) -> pl.Series:
    """Find the hashes that more than one row has."""
    hashes, passes, found = keys.select(_hash(names).alias(_HASH)), -(-table.rows // PASS_ROWS), []
    for number in range(passes):
        some = hashes.filter(pl.col(_HASH) % passes == number) if passes > 1 else hashes
        ordered = np.sort(collected(some, table.where)[_HASH].to_numpy())  # sorting costs less than a set of them
        found.append(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))
    return pl.Series(_HASH, np.concatenate(found) if found else [], dtype=pl.UInt64)


def _present(table: Table, names: Sequence[str]) -> pl.LazyFrame:
    """Give the rows of a key of which no part is missing: null or NaN."""
    return table.lazy().select(_value(table, name) for name in names).drop_nulls()


def _value(table: Table, name: str) -> pl.Expr:
    """Give a part of a key as it is compared."""
    if table.schema[name].is_float():
        return named(name).fill_nan(None)
    texts = (pl.Categorical, pl.Enum)  # whose codes may differ from file to file
    return named(name).cast(pl.String) if table.schema[name] in texts else named(name)
