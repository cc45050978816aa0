"""Detection of duplicate values in tables of any length.

In most tables the key is sorted, which the rule scan detects: then no second scan is needed. Otherwise each row's
values are hashed to 64 bits and the hashes are sorted, for large tables in several passes to bound memory. Only the
values of repeated hashes are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import polars as pl

from airflow_mlops.common.report import Check
from airflow_mlops.core.data.frames import LazyTable, collect_frame
from airflow_mlops.core.data.validation.generated_names import count_name
from airflow_mlops.core.data.validation.polars_compiler import to_python_rows
from airflow_mlops.core.data.validation.polars_expressions import exact_column
from airflow_mlops.core.data.validation.rule_checks import MAX_EXAMPLES, check_uniqueness
from airflow_mlops.core.data.validation.rules import UniqueRule

ROWS_PER_PASS = 20_000_000  # hashes in memory at once: 160 MB, and as much again when sorted
_HASH = "hash"


class IncreasingColumn:
    """Tracks whether a column increases strictly over all slices: then its values are unique.

    :param column: the column.
    :param dtype: its type; only integers and times are tracked, because they are cheap to compare.
    """

    def __init__(self, column: str, dtype: pl.DataType) -> None:
        self.column = column
        self.is_increasing = dtype.is_integer() or dtype in (pl.Date, pl.Datetime)
        self.last: Any = None

    def expressions(self, name: str) -> list[pl.Expr]:
        """Return the expressions to compute on each slice."""
        value = exact_column(self.column).to_physical()
        rises = (value > value.shift(1)).fill_null(False).sum() + 1 == pl.len()
        return [rises.alias(f"{name} rises"), value.first().alias(f"{name} first"), value.last().alias(f"{name} last")]

    def update(self, increases: bool, first: Any, last: Any) -> None:
        """Add the results of one slice."""
        follows = self.last is None or (first is not None and first > self.last)
        self.is_increasing = self.is_increasing and bool(increases) and follows and last is not None
        self.last = last


def check_duplicates(table: LazyTable, rule: UniqueRule, duplicates: pl.DataFrame | None) -> Check:
    """Check that no two rows have the same values in some columns. Rows with a missing value are not compared.

    :param duplicates: the result of :func:`find_duplicates`; None when the values are known to be unique.
    """
    if duplicates is None:
        return check_uniqueness(rule, 0, table.rows, ())
    count, columns = pl.col(count_name(rule.columns)), [exact_column(name) for name in rule.columns]
    total = duplicates.select((count - 1).sum()).item() or 0
    worst = duplicates.sort([count, *columns], descending=[True, *[False] * len(columns)]).head(MAX_EXAMPLES)
    return check_uniqueness(rule, int(total), table.rows, to_python_rows(worst))


def find_duplicates(table: LazyTable, names: Sequence[str]) -> pl.DataFrame:
    """Return the values of more than one row, with the number of rows of each (see :func:`count_name`)."""
    keys = _complete_rows(table, names)
    hashes = _repeated_hashes(table, keys, names)
    keys = keys.head(0) if hashes.is_empty() else keys.filter(_hash(names).is_in(hashes.implode()))
    count = count_name(names)
    groups = keys.group_by([exact_column(name) for name in names]).agg(pl.len().alias(count)).filter(pl.col(count) > 1)
    return collect_frame(groups, table.where)


def is_duplicate(table: LazyTable, names: Sequence[str], duplicates: pl.DataFrame) -> pl.Expr:
    """Return an expression that is true for rows with repeated values.

    :param duplicates: the result of :func:`find_duplicates`.
    """
    values = [_value(table, name) for name in names]
    if len(names) == 1:
        return values[0].is_in(duplicates[names[0]].alias("duplicates").implode()).fill_null(False)
    present = reduce(lambda a, b: a & b, [value.is_not_null() for value in values])
    keys = duplicates.select(pl.struct([exact_column(name) for name in names]).alias("duplicates").implode())
    return present & pl.struct(values).is_in(keys.to_series()).fill_null(False)


def _hash(names: Sequence[str]) -> pl.Expr:
    """Return a 64-bit hash per row."""
    return reduce(lambda a, b: a ^ b, (exact_column(name).hash(seed=seed) for seed, name in enumerate(names)))


def _repeated_hashes(table: LazyTable, keys: pl.LazyFrame, names: Sequence[str]) -> pl.Series:
    """Return the hashes of more than one row."""
    hashes, passes, repeats = keys.select(_hash(names).alias(_HASH)), -(-table.rows // ROWS_PER_PASS), []
    for number in range(passes):
        part = hashes.filter(pl.col(_HASH) % passes == number) if passes > 1 else hashes
        ordered = np.sort(collect_frame(part, table.where)[_HASH].to_numpy())  # sorting is cheaper than a set
        repeats.append(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))
    return pl.Series(_HASH, np.concatenate(repeats) if repeats else [], dtype=pl.UInt64)


def _complete_rows(table: LazyTable, names: Sequence[str]) -> pl.LazyFrame:
    """Return the key columns of rows without missing parts (null or NaN)."""
    return table.lazy().select(_value(table, name) for name in names).drop_nulls()


def _value(table: LazyTable, name: str) -> pl.Expr:
    """Return the expression to compare one part of a key by."""
    if table.schema[name].is_float():
        return exact_column(name).fill_nan(None)
    texts = (pl.Categorical, pl.Enum)  # their codes may differ between files
    return exact_column(name).cast(pl.String) if table.schema[name] in texts else exact_column(name)
