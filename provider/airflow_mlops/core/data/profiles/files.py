"""Profiles of files and frames, computed slice by slice with Polars and NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from airflow_mlops.core.data.frames import SLICE_ROWS, LazyTable, RowSlice, open_table
from airflow_mlops.core.data.profiles import text
from airflow_mlops.core.data.profiles.column import SliceColumn
from airflow_mlops.core.data.profiles.counters import ColumnCounter, new_counter
from airflow_mlops.core.data.profiles.grid import SAMPLE_ROWS
from airflow_mlops.core.data.profiles.kinds import category_names, count_expression, new_cluster_sketch, resolve_kinds
from airflow_mlops.core.data.profiles.model import Profile
from airflow_mlops.core.data.profiles.sketch import ClusterSketch

MAX_VALUES_AT_ONCE = 4_000_000  # for reading all columns of a slice together
CLUSTER_KEY = "\0keys"  # cannot clash with a column name


def scan_profile(
    data: Any,
    *,
    columns: Sequence[str] | Mapping[str, str] | None,
    like: Profile | None,
    cluster: str | None,
) -> Profile:
    """Profile files or frames; see :func:`airflow_mlops.core.data.profile`."""
    table = open_table(data)
    cluster = like.cluster if cluster is None and like is not None else cluster
    clusters = new_cluster_sketch(cluster, table.schema, table.where)
    kinds = resolve_kinds(table.schema, table.where, columns, like)
    expressions = {name: count_expression(name, table.schema[name], kind) for name, kind in kinds.items()}
    references = like.columns if like else {}
    with_cells = {name for name, column in references.items() if column.kind == kinds.get(name)}
    without_cells = [name for name, kind in kinds.items() if kind in ("number", "date") and name not in with_cells]
    sample = _sample(table, without_cells)
    counters: dict[str, ColumnCounter] = {}
    if cluster is not None:
        expressions[CLUSTER_KEY] = pl.col(cluster).alias(CLUSTER_KEY)
    for slice_columns in _iter_columns(table, expressions, cluster):
        for name, kind in kinds.items():
            column = slice_columns.pop(name)  # frees its values when the next column is read
            if name not in counters:
                first = column
                if sample is not None and name in without_cells:
                    first = replace(column, row_slice=sample, loaded=None)
                counters[name] = new_counter(kind, references.get(name), first)
            counters[name].add(column)
        if clusters is not None:
            _add_clusters(clusters, slice_columns[CLUSTER_KEY].values())
    return Profile(table.rows, {name: counters[name].finish() for name in kinds}, cluster, clusters)


def _iter_columns(
    table: LazyTable, expressions: Mapping[str, pl.Expr], cluster: str | None
) -> Iterator[dict[str, SliceColumn]]:
    """Iterate over the slices; read the columns of a large one one by one, if that costs no more, to save memory."""
    types = {name: table.schema[cluster if name == CLUSTER_KEY and cluster else name] for name in expressions}
    empty = RowSlice(pl.DataFrame(schema=table.schema).lazy(), 0, 0, table.where)
    for rows in table.slices() if table.rows else [empty]:
        if rows.columnar and rows.rows * len(expressions) > MAX_VALUES_AT_ONCE:
            yield {name: SliceColumn(rows, types[name], expr) for name, expr in expressions.items()}
        else:
            values = rows.collect(rows.frame.select(*expressions.values()))
            yield {name: SliceColumn(rows, types[name], expr, values[name]) for name, expr in expressions.items()}


def _sample(table: LazyTable, columns: Sequence[str]) -> RowSlice | None:
    """Read the sample from which cells are chosen; None when one slice has all rows."""
    if not columns or table.rows <= SLICE_ROWS:
        return None
    rows = table.sample(columns, SAMPLE_ROWS)
    return RowSlice(rows.lazy(), 0, rows.height, table.where)


def _add_clusters(clusters: ClusterSketch, keys: pl.Series) -> None:
    names = category_names(keys, "category")
    clusters.alone += names.null_count()
    for block in text.iter_blocks(names.drop_nulls()):
        clusters.add(block.hashes())
