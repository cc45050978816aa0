"""Names for what is computed beside a table's columns, which may have any name themselves."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence


def free_name(taken: Collection[str], *wanted: str) -> str:
    """Give the first of the wanted names that no column has; else the last with a number behind it.

    :param taken: the names of the columns.
    :param wanted: the names, in the order of preference.
    """
    numbered = (f"{wanted[-1]} {number}" for number in itertools.count(2))
    return next(name for name in itertools.chain(wanted, numbered) if name not in taken)


def count_name(columns: Sequence[str]) -> str:
    """Name the number of rows in an example of what is repeated.

    :param columns: the columns of the example.
    """
    return free_name(columns, "rows", "rows with this key")


def row_name(columns: Sequence[str]) -> str:
    """Name the number of a row in an example.

    :param columns: the columns of the example.
    """
    return free_name(columns, "row", "row number")
