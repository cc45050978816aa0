# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""Profiles computed inside a database; only counts are fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.database import DatabaseTable, TableReader
from airflow_mlops.core.data.profiles.database_categories import (
    SQLITE_FUNCTIONS,
    CategoryColumn,
    count_categories,
    count_clusters,
)
from airflow_mlops.core.data.profiles.database_numbers import NumberColumn, choose_grids, count_numbers
from airflow_mlops.core.data.profiles.grid import SAMPLE_ROWS
from airflow_mlops.core.data.profiles.kinds import new_cluster_sketch, resolve_kinds
from airflow_mlops.core.data.profiles.model import ColumnKind, ColumnProfile, Profile

MAX_COLUMNS = 30  # per query: PostgreSQL supports at most 31 columns in GROUPING


def database_profile(
    table: DatabaseTable,
    *,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    like: Profile | None = None,
    cluster: str | None = None,
) -> Profile:
    """Profile the rows of a table or query inside its database.

    With ``like`` the result is that of :func:`airflow_mlops.core.data.profile` for a file of the same rows: equal
    counts, and sums equal up to rounding. Without ``like`` the cells are chosen from the data: the same cells as for a
    file up to 262,144 rows. Beyond that the sample differs from a file's sample, so a comparison with a file needs
    ``like``. Text is parsed as a date only if it is an ISO date or time (``2026-04-06``, ``2026-04-06T09:30:00Z``).

    The queries fetch one row per non-empty cell, name or hash bucket: at most 2,052 rows per numeric column, 402 per
    categorical column, and 5,121 more for a column with an overflow.

    :param table: the table or query.
    :param columns: only these columns; a mapping also sets the kind of each. Default: all columns, or with ``like``
        those of the reference.
    :param like: a reference profile, whose kinds and cells are used.
    :param cluster: the column that groups dependent rows; default: that of ``like``.
    :raises BadInput: when the rows cannot be read, a column does not exist, or a value is not of its column's type.
    """
    cluster = like.cluster if cluster is None and like is not None else cluster
    sketch = new_cluster_sketch(cluster, table.schema, table.where)
    kinds = resolve_kinds(table.schema, table.where, columns, like)
    with table.open_reader(SQLITE_FUNCTIONS) as reader:
        _check_types(reader, table, [*kinds, *([cluster] if cluster else [])])
        rows = reader.count()
        profiles: dict[str, ColumnProfile] = {}
        for chunk in _chunks(kinds):
            profiles |= _count_numbers(reader, table, rows, chunk, like)
            profiles |= _count_categories(reader, table, rows, chunk, like)
            profiles |= _count_missing(reader, table, rows, [name for name, kind in chunk.items() if kind == "other"])
        if sketch is not None and cluster is not None:
            key = table.dialect.to_name(table.quote(cluster), table.schema[cluster])
            sketch = count_clusters(reader, table.dialect, key)
    return Profile(rows, {name: profiles[name] for name in kinds}, cluster, sketch)


def _chunks(kinds: Mapping[str, ColumnKind]) -> Iterator[dict[str, ColumnKind]]:
    names = list(kinds)
    for start in range(0, len(names), MAX_COLUMNS):
        yield {name: kinds[name] for name in names[start : start + MAX_COLUMNS]}


def _check_types(reader: TableReader, table: DatabaseTable, columns: Sequence[str]) -> None:
    """Check that values are of their column's declared type, for a database that does not enforce it.

    :raises BadInput: when one is not; it names the column and counts the values.
    """
    conditions = {
        name: table.dialect.type_mismatch(table.quote(name), table.schema[name]) for name in dict.fromkeys(columns)
    }
    checks = {name: condition for name, condition in conditions.items() if condition}
    if not checks:
        return
    sums = ", ".join(f"sum({condition})" for condition in checks.values())
    for name, count in zip(checks, reader.query(f"SELECT {sums} FROM {reader.from_clause}")[0], strict=True):
        if count:
            raise BadInput(
                f"{count} values are not of the column's type ({table.schema[name]})",
                where=f"column {name} of {table.where}",
                hint="fix or exclude those rows, or use a SELECT with a CAST of the column as the source",
            )


def _count_numbers(
    reader: TableReader, table: DatabaseTable, rows: int, kinds: Mapping[str, ColumnKind], like: Profile | None
) -> dict[str, ColumnProfile]:
    """Count numbers and dates, over the reference's cells if it has the column."""
    values = {}
    for name, kind in kinds.items():
        if kind in ("number", "date"):
            convert = table.dialect.to_number if kind == "number" else table.dialect.to_days
            values[name] = convert(table.quote(name), table.schema[name])
    references = {name: _reference(like, name, kinds[name]) for name in values}
    grids = {name: column.numbers.grid for name, column in references.items() if column and column.numbers}
    new = {name: values[name] for name in values if name not in grids}
    integers = {name for name in new if table.schema[name].is_integer() or str(table.schema[name]) == "Date"}
    grids |= choose_grids(reader, table.dialect, new, integers, -(-rows // SAMPLE_ROWS))
    counts = count_numbers(reader, table.dialect, [NumberColumn(values[name], grids[name]) for name in values])
    return {
        name: ColumnProfile(kinds[name], rows, missing, non_finite, numbers)
        for name, (missing, non_finite, numbers) in zip(values, counts, strict=True)
    }


def _count_categories(
    reader: TableReader, table: DatabaseTable, rows: int, kinds: Mapping[str, ColumnKind], like: Profile | None
) -> dict[str, ColumnProfile]:
    """Count categories and booleans, over the reference's names if it has the column."""
    category_columns = {}
    for name, kind in kinds.items():
        if kind in ("category", "bool"):
            value = table.dialect.to_name(table.quote(name), table.schema[name])
            if kind == "bool":
                value = f"CASE {value} WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE {value} END"
            reference = _reference(like, name, kind)
            category_columns[name] = CategoryColumn(value, reference.categories if reference else None)
    counts = count_categories(reader, table.dialect, list(category_columns.values()))
    return {
        name: ColumnProfile(kinds[name], rows, missing, categories=categories)
        for name, (missing, categories) in zip(category_columns, counts, strict=True)
    }


def _reference(like: Profile | None, name: str, kind: ColumnKind) -> ColumnProfile | None:
    column = like.columns.get(name) if like else None
    return column if column is not None and column.kind == kind else None


def _count_missing(
    reader: TableReader, table: DatabaseTable, rows: int, names: Sequence[str]
) -> dict[str, ColumnProfile]:
    """Count the missing values of columns of the kind ``other``."""
    if not names:
        return {}
    counts = ", ".join(f"count({table.quote(name)})" for name in names)
    present = reader.query(f"SELECT {counts} FROM {reader.from_clause}")[0]
    return {name: ColumnProfile("other", rows, rows - count) for name, count in zip(names, present, strict=True)}
