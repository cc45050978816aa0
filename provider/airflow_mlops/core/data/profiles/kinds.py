"""As what a column is counted, and the expressions that make it so."""

from __future__ import annotations

import polars as pl

from airflow_mlops.core.data.profiles.model import Kind


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
