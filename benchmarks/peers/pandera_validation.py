"""pandera, on Polars and on pandas: the thirty rules as a schema, all failures collected."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ["DISABLE_PANDERA_IMPORT_WARNING"] = "True"

import pandera

if json.loads(sys.argv[1])["on"] == "polars":
    import pandera.polars as pa
    import polars as pl

    TYPES = {"int": pl.Int64, "float": pl.Float64, "str": pl.String, "bool": pl.Boolean}
else:
    import pandas as pd
    import pandera.pandas as pa

    TYPES = {"int": "int64", "float": "float64", "str": "str", "bool": "bool"}


def polars_missing(most: float) -> pa.Check:
    """Bound the share of missing values."""
    return pa.Check(
        lambda data: data.lazyframe.select(pl.col(data.key).null_count() <= most * pl.len()),
        name=f"missing <= {most}",
        ignore_na=False,
    )


def pandas_missing(most: float) -> pa.Check:
    """Bound the share of missing values."""
    return pa.Check(lambda series: series.isna().mean() <= most, name=f"missing <= {most}", ignore_na=False)


def order_check(asked: dict[str, Any], rule: dict[str, Any]) -> pa.Check:
    """Compare one column with another; where one is missing nothing is broken."""
    left, right = rule["column"], rule["than"]
    if asked["on"] == "polars":
        kept = (pl.col(left) >= pl.col(right)).fill_null(True)
        return pa.Check(lambda data: data.lazyframe.select(kept), name="order")
    return pa.Check(
        lambda frame: (frame[left] >= frame[right]) | frame[left].isna() | frame[right].isna(), name="order"
    )


def schema(asked: dict[str, Any], missing: Callable[[float], pa.Check]) -> pa.DataFrameSchema:
    """Express the rules in a schema."""
    columns: dict[str, dict[str, Any]] = {}
    whole = []
    for rule in asked["rules"]:
        column = columns.setdefault(rule["column"], {"checks": [], "nullable": True})
        kind = rule["rule"]
        if kind == "type":
            column["dtype"] = TYPES[rule["type"]]
        elif kind == "missing" and not rule["most"]:
            column["nullable"] = False
        elif kind == "missing":
            column["checks"].append(missing(rule["most"]))
        elif kind == "range":
            column["checks"].append(pa.Check.in_range(rule["min"], rule["max"]))
        elif kind == "set":
            column["checks"].append(pa.Check.isin(rule["values"]))
        elif kind == "pattern":
            column["checks"].append(pa.Check.str_matches(f"^(?:{rule['pattern']})$"))
        elif kind == "unique":
            column["unique"] = True
        else:
            whole.append(order_check(asked, rule))
    return pa.DataFrameSchema({name: pa.Column(**rules) for name, rules in columns.items()}, checks=whole)


def main(asked: dict[str, Any]) -> str:
    """Do a task and give its verdict."""
    if asked["task"] == "imports":
        return ""
    path = asked["files"]["rules"]
    on_polars = asked["on"] == "polars"
    frame = pl.read_parquet(path) if on_polars else pd.read_parquet(path)
    try:
        schema(asked, polars_missing if on_polars else pandas_missing).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return " ".join(
            sorted(f"{column}:{check[:16]}={count}" for column, check, count in count_errors(errors, on_polars))
        )
    return ""


def count_errors(errors: Any, on_polars: bool) -> list[tuple[str, str, int]]:
    """Count failures by column and check."""
    cases = errors.failure_cases
    if on_polars:
        return cases.group_by("column", "check").len().rows()
    return [(*map(str, key), count) for key, count in cases.groupby(["column", "check"]).size().items()]


if __name__ == "__main__":
    print(json.dumps({"verdict": main(json.loads(sys.argv[1])), "version": pandera.__version__}))
