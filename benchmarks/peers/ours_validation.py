"""Our validation: the thirty rules as a contract."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import polars as pl

from airflow_mlops import __version__
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.validation import (
    polars_engine,  # noqa: F401  validate() imports it: not work
    validate,
)

TYPES = {pl.Int64: "int", pl.Float64: "float", pl.String: "str", pl.Boolean: "bool"}


def contract(asked: dict[str, Any], schema: Mapping[str, pl.DataType]) -> dict[str, Any]:
    """Express the rules in a contract, which declares the types of all columns."""
    columns: dict[str, dict[str, Any]] = {
        name: {"type": next(kind for dtype, kind in TYPES.items() if dtype == found)} for name, found in schema.items()
    }
    written: dict[str, Any] = {"name": "benchmark", "columns": columns, "checks": []}
    for rule in asked["rules"]:
        column = columns[rule["column"]]
        if rule["rule"] == "missing":
            column |= {"max_missing": rule["most"]} if rule["most"] else {"nullable": False}
        elif rule["rule"] == "range":
            column |= {"min": rule["min"], "max": rule["max"]}
        elif rule["rule"] in ("set", "pattern"):
            key = {"set": "values", "pattern": "pattern"}[rule["rule"]]
            column[key] = rule[key]
        elif rule["rule"] == "unique":
            written["key"] = rule["column"]
        elif rule["rule"] == "order":
            written["checks"].append({"name": "order", "rule": f"{rule['column']} >= {rule['than']}"})
    return written


def main(asked: dict[str, Any]) -> str:
    """Do a task and give its verdict."""
    if asked["task"] == "imports":
        return ""
    path = asked["files"]["rules"]
    report = validate(path, Contract.load(contract(asked, pl.read_parquet_schema(path))))
    return " ".join(sorted(f"{check.where}:{check.name}={check.observed['count']}" for check in report.failed))


if __name__ == "__main__":
    print(json.dumps({"verdict": main(json.loads(sys.argv[1])), "version": __version__}))
