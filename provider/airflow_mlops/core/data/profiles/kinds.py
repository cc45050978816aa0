"""Column kinds of a profile, and the Polars expressions that convert columns to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast, get_args

import polars as pl

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.profiles.model import ColumnKind, Profile
from airflow_mlops.core.data.profiles.sketch import ClusterSketch


def default_kind(dtype: pl.DataType) -> ColumnKind:
    """Return the default kind of a column type."""
    if dtype.is_numeric() or dtype in (pl.Duration, pl.Time):
        return "number"
    if dtype == pl.Boolean:
        return "bool"
    if dtype in (pl.Date, pl.Datetime):
        return "date"
    return "category" if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null) else "other"


def supports_kind(dtype: pl.DataType, kind: str) -> bool:
    """Check whether values of this type can be counted as this kind."""
    default = default_kind(dtype)
    if dtype == pl.Null or default == kind or kind == "other":
        return True
    return {
        "number": default == "bool",
        "category": default in ("number", "bool", "date"),
        "bool": dtype.is_numeric(),
        "date": dtype == pl.String,
    }[kind]


def resolve_kinds(
    schema: Mapping[str, pl.DataType],
    where: str,
    columns: Sequence[str] | Mapping[str, str] | None,
    like: Profile | None,
) -> dict[str, ColumnKind]:
    """Return the columns to count, and their kinds.

    :param schema: column -> type of the data.
    :param where: the description of the data, for errors.
    :param columns: only these columns; a mapping also sets the kind of each.
    :param like: a reference, whose kinds are used where the types support them.
    :raises BadInput: when a column or a kind does not exist.
    """
    kinds: dict[str, str | None]
    if columns is None:
        kinds = {n: c.kind for n, c in like.columns.items()} if like else dict.fromkeys(schema)
        kinds = {name: kind for name, kind in kinds.items() if name in schema}
    else:
        kinds = dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns)
        if missing := [name for name in kinds if name not in schema]:
            raise BadInput(f"there is no column {missing[:5]}", where=where, hint=_available_columns(schema))
        if unknown := {kind for kind in kinds.values() if kind} - {*get_args(ColumnKind)}:
            raise BadInput(f"unknown column kinds: {sorted(unknown)}", hint=f"the kinds are {get_args(ColumnKind)}")
        if like:
            kinds = {n: like.columns[n].kind if n in like.columns else kind for n, kind in kinds.items()}
    return {
        name: cast(ColumnKind, kind) if kind and supports_kind(schema[name], kind) else default_kind(schema[name])
        for name, kind in kinds.items()
    }


def new_cluster_sketch(cluster: str | None, schema: Mapping[str, pl.DataType], where: str) -> ClusterSketch | None:
    """Return an empty cluster sketch; None without a cluster column.

    :param cluster: the column that groups dependent rows.
    :param schema: column -> type of the data.
    :param where: the description of the data, for errors.
    :raises BadInput: when the column does not exist, or its type cannot be a key.
    """
    if cluster is None:
        return None
    if cluster not in schema:
        raise BadInput(f"there is no cluster column {cluster!r}", where=where, hint=_available_columns(schema))
    if default_kind(schema[cluster]) == "other":
        raise BadInput(
            f"a column of type {schema[cluster]} cannot be the cluster column",
            where=f"{where}, column {cluster}",
            hint="use a column of text, numbers or dates",
        )
    return ClusterSketch()


def _available_columns(schema: Mapping[str, pl.DataType]) -> str:
    return f"it has {list(schema)[:30]}"


def count_expression(name: str, dtype: pl.DataType, kind: ColumnKind) -> pl.Expr:
    """Return the expression whose values are counted.

    These are floats for a ``number`` or a ``date`` and a missing-value flag for ``other``. For a ``category`` or a
    ``bool`` they are the values themselves: only the distinct ones are converted to names (:func:`category_names`).
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


def category_names(values: pl.Series, kind: ColumnKind) -> pl.Series:
    """Convert values to category names: text, null for missing values.

    Integral floats are formatted as integers, so that integer codes keep their names when missing values turn the
    column into floats.

    :param kind: ``category``, or ``bool``, for which 1 and 0 mean true and false.
    """
    dtype, column = values.dtype, pl.col(values.name)
    if dtype.is_float():
        is_integer = (column == column.round()) & (column.abs() < 2.0**53)
        as_integer = column.cast(pl.Int64, strict=False).cast(pl.String)
        text = pl.when(is_integer).then(as_integer).otherwise(column.cast(pl.String))
        values = values.to_frame().select(pl.when(column.is_not_nan()).then(text).alias(values.name)).to_series()
    else:
        values = values.cast(pl.String)
    if kind == "bool" and dtype != pl.Boolean:
        values = values.replace({"1": "true", "0": "false"})
    return values
