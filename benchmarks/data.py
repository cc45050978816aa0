"""Data to measure on: Parquet files, made once from a fixed seed, slice by slice so that any size fits in memory."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

SLICE = 1_000_000
ROW_GROUP = 125_000
MOST_REFERENCE = 1_000_000
FLOATS, CATEGORIES = 14, (5, 10, 20, 50)
MISSING = tuple(0.01 + 0.12 * i / (FLOATS - 1) for i in range(FLOATS))  # 1 to 13 %
HIGH_CARDINALITY = "h00"


def generate(folder: Path, rows: int, names: Collection[str]) -> dict[str, Path]:
    """Return the files for a number of rows; generate missing ones.

    :param folder: where they are kept.
    :param rows: rows of each; a reference has no more than a million, as only its profile is used with more.
    :param names: which: ``reference`` and ``current`` (with planted drift, 20 columns), the same with ``_wide``
        (a column of 10^6 names added), and ``rules`` (for validation; 20 columns).
    """
    makers: dict[str, Callable[[np.random.Generator, int, int], pl.DataFrame]] = {
        "reference": lambda rng, count, first: drift_slice(rng, count, planted=False),
        "current": lambda rng, count, first: drift_slice(rng, count, planted=True),
        "reference_wide": lambda rng, count, first: with_names(rng, drift_slice(rng, count, planted=False)),
        "current_wide": lambda rng, count, first: with_names(rng, drift_slice(rng, count, planted=True)),
        "rules": rules_slice,
    }
    made_by = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:6]
    files = {}
    for seed, (name, make) in enumerate(makers.items()):
        if name in names:
            count = min(rows, MOST_REFERENCE) if name.startswith("reference") else rows
            files[name] = folder / f"{name}-{count}-{made_by}.parquet"
            if not files[name].exists():
                _write(files[name], _slices(make, seed, count))
    return files


def _slices(
    make: Callable[[np.random.Generator, int, int], pl.DataFrame], seed: int, rows: int
) -> Iterator[pl.DataFrame]:
    for number, first in enumerate(range(0, rows, SLICE)):
        yield make(np.random.default_rng([seed, number]), min(SLICE, rows - first), first)


def _write(path: Path, slices: Iterator[pl.DataFrame]) -> None:
    """Write slices to one file, which has its name only once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    writer: pq.ParquetWriter | None = None
    for frame in slices:
        table = _plain_text(frame.to_arrow())
        writer = writer or pq.ParquetWriter(unfinished, table.schema, compression="snappy")
        writer.write_table(table, row_group_size=ROW_GROUP)
    if writer:
        writer.close()
        unfinished.rename(path)


def _plain_text(table: pa.Table) -> pa.Table:
    """Write text as every reader knows it."""
    fields = [pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))


def drift_slice(rng: np.random.Generator, rows: int, *, planted: bool) -> pl.DataFrame:
    """Draw rows of 14 numbers, 4 categories, a whole number and a flag.

    Planted: ``f00`` +0.5 sd, ``f01`` another shape, ``f02`` +0.1 sd (on the border), ``f03`` more missing,
    ``c00`` another mix, ``i00`` +10 % in the mean.

    :param rng: where chance comes from.
    :param rows: how many.
    :param planted: with drift.
    """
    columns = [pl.Series(f"f{i:02d}", _float(rng, i, rows)) for i in range(FLOATS)]
    if planted:
        columns[0] = columns[0] + 0.5
        columns[1] = columns[1].pow(1.3)
        columns[2] = columns[2] + 0.1 * 2.06  # the standard deviation of its distribution
    missing = list(MISSING)
    missing[3] = 0.25 if planted else 0.10
    series = [_with_missing(rng, column, share) for column, share in zip(columns, missing, strict=True)]
    for i, names in enumerate(CATEGORIES):
        shares = np.arange(1, names + 1) ** -0.5
        if planted and i == 0:
            shares[0] *= 1.5
        series.append(_names(f"c{i:02d}", rng.choice(names, rows, p=shares / shares.sum())))
    series.append(pl.Series("i00", rng.poisson(55 if planted else 50, rows)))
    series.append(pl.Series("b00", rng.random(rows) < 0.3))
    return pl.DataFrame(series)


def _float(rng: np.random.Generator, index: int, rows: int) -> np.ndarray:
    """Draw one of four shapes in turn."""
    shape = index % 4
    if shape == 0:
        return rng.normal(10.0 * index, 1.0, rows)
    if shape == 1:
        return rng.lognormal(0.0, 0.8, rows)
    if shape == 2:
        return np.where(rng.random(rows) < 0.5, rng.normal(-1.8, 1.0, rows), rng.normal(1.8, 1.0, rows))
    return rng.gamma(2.0, 3.0, rows)


def _with_missing(rng: np.random.Generator, column: pl.Series, share: float) -> pl.Series:
    return pl.Series(column.name, pa.array(column.to_numpy(), mask=rng.random(len(column)) < share))


def _names(name: str, codes: np.ndarray) -> pl.Series:
    known = pl.Series([f"{name}-{code:03d}" for code in range(int(codes.max()) + 1)])
    return known.gather(codes).alias(name)


def with_names(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """Add a column of names of which there are a million."""
    codes = pl.Series(HIGH_CARDINALITY, rng.integers(0, 1_000_000, frame.height))
    return frame.with_columns(pl.format("user-{}", codes.cast(pl.String).str.zfill(7)).alias(HIGH_CARDINALITY))


def rules_slice(rng: np.random.Generator, rows: int, first: int) -> pl.DataFrame:
    """Draw rows for the rules of :mod:`benchmarks.rules`, four of which they break.

    :param rng: where chance comes from.
    :param rows: how many.
    :param first: the number of the first row, so that ``id`` is unique over slices.
    """
    frame = drift_slice(rng, rows, planted=False)
    later = pl.Series("f05", frame["f04"] + rng.gamma(2.0, 1.0, rows))  # never less than f04
    strange = pl.when(pl.Series(rng.random(rows) < 0.002)).then(pl.lit("surprise")).otherwise(pl.col("c00"))
    id_ = pl.Series("id", np.arange(first, first + rows))
    return frame.select(id_, pl.all().exclude("i00", "f05", "c00"), later, strange.alias("c00"))


if __name__ == "__main__":  # a process of its own: its memory would count as that of the next one measured
    made = generate(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    print(json.dumps({name: str(path) for name, path in made.items()}))
