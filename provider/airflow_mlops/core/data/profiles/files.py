"""Counting rows into a profile with Polars and NumPy, slice by slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from airflow_mlops.core.data.frames import SLICE_ROWS, Slice, Table, open_table
from airflow_mlops.core.data.profiles import text
from airflow_mlops.core.data.profiles.column import Column
from airflow_mlops.core.data.profiles.counters import Counter, counter
from airflow_mlops.core.data.profiles.grid import SAMPLE_ROWS
from airflow_mlops.core.data.profiles.kinds import counted, named, new_groups, settled_kinds
from airflow_mlops.core.data.profiles.model import Profile
from airflow_mlops.core.data.profiles.sketch import ClusterSketch

SMALL = 4_000_000  # values that are read at once
KEYS = "\0keys"  # no column of anyone's


def scan_profile(
    data: Any,
    *,
    columns: Sequence[str] | Mapping[str, str] | None,
    like: Profile | None,
    cluster: str | None,
) -> Profile:
    """Do what :func:`airflow_mlops.core.data.profile` says."""
    table = open_table(data)
    cluster = like.cluster if cluster is None and like is not None else cluster
    groups = new_groups(cluster, table.schema, table.where)
    kinds = settled_kinds(table.schema, table.where, columns, like)
    wanted = {name: counted(name, table.schema[name], kind) for name, kind in kinds.items()}
    references = like.columns if like else {}
    known = {name for name, column in references.items() if column.kind == kinds.get(name)}
    new = [name for name, kind in kinds.items() if kind in ("number", "date") and name not in known]
    sample = _sample(table, new)
    counters: dict[str, Counter] = {}
    if cluster is not None:
        wanted[KEYS] = pl.col(cluster).alias(KEYS)
    for read in _columns(table, wanted, cluster):
        for name, kind in kinds.items():
            column = read.pop(name)  # and with it what it has read
            if name not in counters:
                first = replace(column, piece=sample, read=None) if sample and name in new else column
                counters[name] = counter(kind, references.get(name), first)
            counters[name].add(column)
        if groups is not None:
            _add_groups(groups, read[KEYS].values())
    return Profile(table.rows, {name: counters[name].finish() for name in kinds}, cluster, groups)


def _columns(table: Table, wanted: Mapping[str, pl.Expr], cluster: str | None) -> Iterator[dict[str, Column]]:
    """Go through the slices. Where it costs no more, the columns of a slice are read one by one, for less memory."""
    types = {name: table.schema[cluster if name == KEYS and cluster else name] for name in wanted}
    nothing = Slice(pl.DataFrame(schema=table.schema).lazy(), 0, 0, table.where)
    for piece in table.slices() if table.rows else [nothing]:
        if piece.columnar and piece.rows * len(wanted) > SMALL:
            yield {name: Column(piece, types[name], expr) for name, expr in wanted.items()}
        else:
            read = piece.collect(piece.frame.select(*wanted.values()))
            yield {name: Column(piece, types[name], expr, read[name]) for name, expr in wanted.items()}


def _sample(table: Table, columns: Sequence[str]) -> Slice | None:
    """Read rows from all over, of which to choose cells; None when one slice has all of them."""
    if not columns or table.rows <= SLICE_ROWS:
        return None
    rows = table.sample(columns, SAMPLE_ROWS)
    return Slice(rows.lazy(), 0, rows.height, table.where)


def _add_groups(groups: ClusterSketch, keys: pl.Series) -> None:
    names = named(keys, "category")
    groups.alone += names.null_count()
    for block in text.blocks(names.drop_nulls()):
        groups.add(block.hashes())
