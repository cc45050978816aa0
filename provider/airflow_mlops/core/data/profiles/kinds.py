"""Which columns are counted, as what, and the expressions that make it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast, get_args

import polars as pl

from airflow_mlops.core.data.profiles.model import Kind, Profile
from airflow_mlops.core.data.profiles.sketch import ClusterSketch
from airflow_mlops.core.errors import BadInput


def natural_kind(dtype: pl.DataType) -> Kind:
    """Say of which kind a column of this type is when nobody says otherwise."""
    if dtype.is_numeric() or dtype in (pl.Duration, pl.Time):
        return "number"
    if dtype == pl.Boolean:
        return "bool"
    if dtype in (pl.Date, pl.Datetime):
        return "date"
    return "category" if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null) else "other"


def can_be(dtype: pl.DataType, kind: str) -> bool:
    """Say whether values of this type can be counted as this kind."""
    natural = natural_kind(dtype)
    if dtype == pl.Null or natural == kind or kind == "other":
        return True
    return {
        "number": natural == "bool",
        "category": natural in ("number", "bool", "date"),
        "bool": dtype.is_numeric(),
        "date": dtype == pl.String,
    }[kind]


def settled_kinds(
    schema: Mapping[str, pl.DataType],
    where: str,
    columns: Sequence[str] | Mapping[str, str] | None,
    like: Profile | None,
) -> dict[str, Kind]:
    """Settle which columns are counted, and as what.

    :param schema: the columns that are there, with their types.
    :param where: what to call the rows in an error.
    :param columns: only these, or which is of which kind.
    :param like: a reference, whose kinds are used where the types can be.
    :raises BadInput: when there is no such column or kind.
    """
    wanted: dict[str, str | None]
    if columns is None:
        wanted = {n: c.kind for n, c in like.columns.items()} if like else dict.fromkeys(schema)
        wanted = {name: kind for name, kind in wanted.items() if name in schema}
    else:
        wanted = dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns)
        if missing := [name for name in wanted if name not in schema]:
            raise BadInput(f"there is no column {missing[:5]}", where=where, mend=_has(schema))
        if unknown := {kind for kind in wanted.values() if kind} - {*get_args(Kind)}:
            raise BadInput(f"there is no kind {sorted(unknown)}", mend=f"the kinds are {get_args(Kind)}")
        if like:
            wanted = {n: like.columns[n].kind if n in like.columns else kind for n, kind in wanted.items()}
    return {
        name: cast(Kind, kind) if kind and can_be(schema[name], kind) else natural_kind(schema[name])
        for name, kind in wanted.items()
    }


def new_groups(cluster: str | None, schema: Mapping[str, pl.DataType], where: str) -> ClusterSketch | None:
    """Begin to count groups of rows; None when no column says which rows belong together.

    :param cluster: that column.
    :param schema: the columns that are there, with their types.
    :param where: what to call the rows in an error.
    :raises BadInput: when there is no such column, or its type cannot be a key.
    """
    if cluster is None:
        return None
    if cluster not in schema:
        raise BadInput(f"there is no cluster column {cluster!r}", where=where, mend=_has(schema))
    if natural_kind(schema[cluster]) == "other":
        raise BadInput(
            f"a column of type {schema[cluster]} cannot say which rows belong together",
            where=f"{where}, column {cluster}",
            mend="name a column of text, numbers or dates",
        )
    return ClusterSketch()


def _has(schema: Mapping[str, pl.DataType]) -> str:
    return f"it has {list(schema)[:30]}"


def counted(name: str, dtype: pl.DataType, kind: Kind) -> pl.Expr:
    """Give the expression that turns a column into what is counted.

    It is floats for a ``number`` and a ``date``, 'is it missing?' for ``other``, and for a ``category`` or a
    ``bool`` the values as they are: names are made of the different ones only (:func:`named`).
    """
    column = pl.col(name)
    if kind == "other":
        return column.is_null().alias(name)
    if kind in ("category", "bool"):
        return column
    if dtype == pl.Null:
        return column.cast(pl.Float64)
    return _as_number(column, dtype) if kind == "number" else _as_days(column, dtype)


def _as_number(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Duration:
        return column.dt.total_microseconds().cast(pl.Float64) / 1e6
    if dtype == pl.Time:
        return column.cast(pl.Int64).cast(pl.Float64) / 1e9
    return column.cast(pl.Float64)


def _as_days(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Date:
        return column.cast(pl.Int32).cast(pl.Float64)
    if dtype == pl.String:
        column = column.str.to_datetime(time_unit="us", strict=False)
    return column.dt.timestamp("us").cast(pl.Float64) / 86_400e6


def named(values: pl.Series, kind: Kind) -> pl.Series:
    """Give the names of categories: text, null for what is missing.

    Whole floats are written as integers, so that a column of codes that got floats by a missing value keeps its
    names.

    :param kind: ``category``, or ``bool``, to which 1 and 0 mean true and false.
    """
    dtype, column = values.dtype, pl.col(values.name)
    if dtype.is_float():
        whole = (column == column.round()) & (column.abs() < 2.0**53)
        as_integer = column.cast(pl.Int64, strict=False).cast(pl.String)
        text = pl.when(whole).then(as_integer).otherwise(column.cast(pl.String))
        values = values.to_frame().select(pl.when(column.is_not_nan()).then(text).alias(values.name)).to_series()
    else:
        values = values.cast(pl.String)
    if kind == "bool" and dtype != pl.Boolean:
        values = values.replace({"1": "true", "0": "false"})
    return values
