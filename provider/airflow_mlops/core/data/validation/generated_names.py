"""Names of computed columns that do not collide with a table's columns."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence


def find_free_name(taken: Collection[str], *candidates: str) -> str:
    """Return the first candidate name that no column has; else the last one with a number appended.

    :param taken: the names of the columns.
    :param candidates: the candidates, in order of preference.
    """
    numbered = (f"{candidates[-1]} {number}" for number in itertools.count(2))
    return next(name for name in itertools.chain(candidates, numbered) if name not in taken)


def count_name(columns: Sequence[str]) -> str:
    """Return the name of the row count in an example of duplicate values.

    :param columns: the columns of the example.
    """
    return find_free_name(columns, "rows", "rows with this key")


def row_number_name(columns: Sequence[str]) -> str:
    """Return the name of the row number in an example.

    :param columns: the columns of the example.
    """
    return find_free_name(columns, "row", "row number")
