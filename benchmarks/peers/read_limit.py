"""The read limit: decode every column and look at every value once, in slices of a million rows."""

from __future__ import annotations

import json
import sys

import polars as pl

SLICE = 1_000_000


def total(path: str) -> dict[str, float]:
    """Sum numbers and flags, and the lengths of texts."""
    frame = pl.scan_parquet(path)
    schema = frame.collect_schema()
    rows = int(frame.select(pl.len()).collect().item())
    sums = [
        (pl.col(name).str.len_bytes() if dtype == pl.String else pl.col(name)).sum().cast(pl.Float64)
        for name, dtype in schema.items()
    ]
    found = dict.fromkeys(schema, 0.0)
    for offset in range(0, rows, SLICE):
        part = frame.slice(offset, SLICE).select(sums).collect().row(0)
        found = {name: value + more for (name, value), more in zip(found.items(), part, strict=True)}
    return found


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    if asked["task"] != "imports":
        total(asked["files"][asked["current"]])
    print(json.dumps({"verdict": "", "version": pl.__version__}))
