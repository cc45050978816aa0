# ruff: noqa: S608 - the parts are quoted names, and the SELECT that the caller wants to be read
"""Profiling rows where they live: the database counts, and only counts come over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from airflow_mlops.core.data.database import DatabaseTable, Reader
from airflow_mlops.core.data.profiles.database_names import FUNCTIONS, NameColumn, clusters, count_names
from airflow_mlops.core.data.profiles.database_numbers import NumberColumn, choose_grids, count_numbers
from airflow_mlops.core.data.profiles.grid import SAMPLE_ROWS
from airflow_mlops.core.data.profiles.kinds import new_groups, settled_kinds
from airflow_mlops.core.data.profiles.model import ColumnProfile, Kind, Profile
from airflow_mlops.core.errors import BadInput

MOST_COLUMNS = 30  # columns counted in one query: PostgreSQL groups by at most 31 at a time


def database_profile(
    table: DatabaseTable,
    *,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    like: Profile | None = None,
    cluster: str | None = None,
) -> Profile:
    """Profile the rows of a table or of a query in their database.

    With ``like`` the result is that of :func:`airflow_mlops.core.data.profile` on a file of the same rows: counts are
    the same, sums to the last digits. Without it the cells are chosen from the data: the very cells that a file would
    get up to 262,144 rows, else cells that fit a sample of other rows than a file's, so that comparing both needs
    ``like``. Text is read as a date only where it is an ISO date or time (``2026-04-06``, ``2026-04-06T09:30:00Z``).

    What comes over is a row a cell, a name or a hash bucket that holds something: at most 2,052 rows for a column of
    numbers, 402 for one of categories, and 5,121 more for one that has more names than are kept.

    :param table: the rows.
    :param columns: only these; a mapping also says of which kind each is. Without it all columns, or with ``like``
        those of the reference.
    :param like: a reference: its kinds and cells are used.
    :param cluster: the column that says which rows belong together; by default that of ``like``.
    :raises BadInput: when the rows cannot be read, there is no such column, or a value is not of its column's type.
    """
    cluster = like.cluster if cluster is None and like is not None else cluster
    groups = new_groups(cluster, table.schema, table.where)
    kinds = settled_kinds(table.schema, table.where, columns, like)
    with table.reading(FUNCTIONS) as reader:
        _check_types(reader, table, [*kinds, *([cluster] if cluster else [])])
        rows = reader.count()
        found: dict[str, ColumnProfile] = {}
        for some in _chunks(kinds):
            found |= _numbers(reader, table, rows, some, like)
            found |= _names(reader, table, rows, some, like)
            found |= _others(reader, table, rows, [name for name, kind in some.items() if kind == "other"])
        if groups is not None and cluster is not None:
            key = table.dialect.name(table.quoted(cluster), table.schema[cluster])
            groups = clusters(reader, table.dialect, key)
    return Profile(rows, {name: found[name] for name in kinds}, cluster, groups)


def _chunks(kinds: Mapping[str, Kind]) -> Iterator[dict[str, Kind]]:
    names = list(kinds)
    for start in range(0, len(names), MOST_COLUMNS):
        yield {name: kinds[name] for name in names[start : start + MOST_COLUMNS]}


def _check_types(reader: Reader, table: DatabaseTable, columns: Sequence[str]) -> None:
    """Refuse a column that has values of another type than it says, where the database lets it.

    :raises BadInput: when there is one; it names the column and counts the values.
    """
    misfits = {name: table.dialect.misfit(table.quoted(name), table.schema[name]) for name in dict.fromkeys(columns)}
    asked = {name: misfit for name, misfit in misfits.items() if misfit}
    if not asked:
        return
    sums = ", ".join(f"sum({misfit})" for misfit in asked.values())
    for name, count in zip(asked, reader.ask(f"SELECT {sums} FROM {reader.rows}")[0], strict=True):
        if count:
            raise BadInput(
                f"{count} values are not of the column's type ({table.schema[name]})",
                where=f"column {name} of {table.where}",
                mend="mend or leave out those rows, or CAST the column in a SELECT as the source",
            )


def _numbers(
    reader: Reader, table: DatabaseTable, rows: int, kinds: Mapping[str, Kind], like: Profile | None
) -> dict[str, ColumnProfile]:
    """Count the numbers and dates, over the reference's cells where it has some."""
    values = {}
    for name, kind in kinds.items():
        if kind in ("number", "date"):
            read = table.dialect.number if kind == "number" else table.dialect.days
            values[name] = read(table.quoted(name), table.schema[name])
    grids = {name: _reference(like, name, kinds[name]) for name in values}
    known = {name: column.numbers.grid for name, column in grids.items() if column and column.numbers}
    new = {name: values[name] for name in values if name not in known}
    whole = {name for name in new if table.schema[name].is_integer() or str(table.schema[name]) == "Date"}
    known |= choose_grids(reader, table.dialect, new, whole, -(-rows // SAMPLE_ROWS))
    wanted = [NumberColumn(values[name], known[name]) for name in values]
    counted = count_numbers(reader, table.dialect, wanted)
    return {
        name: ColumnProfile(kinds[name], rows, missing, non_finite, numbers)
        for name, (missing, non_finite, numbers) in zip(values, counted, strict=True)
    }


def _names(
    reader: Reader, table: DatabaseTable, rows: int, kinds: Mapping[str, Kind], like: Profile | None
) -> dict[str, ColumnProfile]:
    """Count the categories and booleans, over the reference's names where it has some."""
    wanted = {}
    for name, kind in kinds.items():
        if kind in ("category", "bool"):
            value = table.dialect.name(table.quoted(name), table.schema[name])
            if kind == "bool":
                value = f"CASE {value} WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE {value} END"
            reference = _reference(like, name, kind)
            wanted[name] = NameColumn(value, reference.categories if reference else None)
    counted = count_names(reader, table.dialect, list(wanted.values()))
    return {
        name: ColumnProfile(kinds[name], rows, missing, categories=categories)
        for name, (missing, categories) in zip(wanted, counted, strict=True)
    }


def _reference(like: Profile | None, name: str, kind: Kind) -> ColumnProfile | None:
    column = like.columns.get(name) if like else None
    return column if column is not None and column.kind == kind else None


def _others(reader: Reader, table: DatabaseTable, rows: int, names: Sequence[str]) -> dict[str, ColumnProfile]:
    """Count what is there of columns that are nothing else."""
    if not names:
        return {}
    counts = ", ".join(f"count({table.quoted(name)})" for name in names)
    there = reader.ask(f"SELECT {counts} FROM {reader.rows}")[0]
    return {name: ColumnProfile("other", rows, rows - count) for name, count in zip(names, there, strict=True)}
