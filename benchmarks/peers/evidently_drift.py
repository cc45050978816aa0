"""Evidently: its default preset, and the same tests asked for a column at a time."""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")

import evidently  # noqa: E402
import pandas as pd  # noqa: E402
from evidently import DataDefinition, Dataset, Report  # noqa: E402
from evidently.metrics import ValueDrift  # noqa: E402
from evidently.presets import DataDriftPreset  # noqa: E402


def dataset(path: str) -> Dataset:
    """Read a file, with its columns declared: guessing them costs time and goes wrong."""
    frame = pd.read_parquet(path)
    numbers = [c for c in frame if pd.api.types.is_numeric_dtype(frame[c]) and frame[c].dtype != bool]
    others = [c for c in frame if c not in numbers]
    return Dataset.from_pandas(frame, DataDefinition(numerical_columns=numbers, categorical_columns=others))


def main(asked: dict[str, Any]) -> str:
    """Do a task and give its verdict."""
    if asked["task"] == "imports":
        return ""
    reference, current = (dataset(asked["files"][asked[side]]) for side in ("reference", "current"))
    columns = list(current.as_dataframe())
    metrics = [DataDriftPreset()] if asked["task"] == "preset" else [ValueDrift(column=c) for c in columns]
    found = Report(metrics, include_tests=True).run(current, reference).dict()
    failed = [test["metric_config"]["params"] for test in found["tests"] if test["status"] == "FAIL"]
    return " ".join(sorted({params["column"] for params in failed if "column" in params}))


if __name__ == "__main__":
    print(json.dumps({"verdict": main(json.loads(sys.argv[1])), "version": evidently.__version__}))
