"""Evidently's default on the same A/A streams, for comparison.

Its preset computes each column's test three times; asked for a column at a time the tests and their verdicts are
the same, and a stream takes less than half as long.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from benchmarks.calibration.columns import NUMBERS, Column, draw_frame, mixed
from benchmarks.calibration.studies import CURRENT, REFERENCE, Outcome, Size

MOST_ROWS, MOST_COLUMNS = 10_000, 50
DATASET_SHARE = 0.5  # the preset's drift_share


def evidently(seed: int, stream: int, size: Size) -> Iterator[Outcome]:
    """Judge the streams of ``aa`` by Evidently's default: any column, and the dataset."""
    widths = [width for width in size.widths if width <= MOST_COLUMNS]
    columns = mixed(max(widths))
    for reference_rows in size.reference_rows:
        reference = _prepared(draw_frame(columns, reference_rows, seed, 1, stream, REFERENCE, reference_rows), columns)
        for rows in (n for n in size.rows if n <= MOST_ROWS):
            current = _prepared(draw_frame(columns, rows, seed, 1, stream, CURRENT, rows), columns)
            drifted = drifted_columns(reference, current, columns)
            for width in widths:
                part = columns[:width]
                hit = [column for column in part if column.name in drifted]
                by = tuple(sorted({f"{drifted[c.name]} on {c.kind}" for c in hit}))
                sizes = (rows, reference_rows, width)
                yield Outcome("evidently aa, any column", *sizes, bool(hit), by)
                yield Outcome("evidently aa, dataset", *sizes, len(hit) / width >= DATASET_SHARE)


def drifted_columns(reference: Any, current: Any, columns: Sequence[Column]) -> dict[str, str]:
    """Return in which columns Evidently finds drift, and by which method.

    :param reference: a pandas frame.
    :param current: another.
    :param columns: their columns.
    """
    from evidently import Report
    from evidently.metrics import ValueDrift

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = Report([ValueDrift(column=column.name) for column in columns], include_tests=True)
        found = report.run(_dataset(current, columns), _dataset(reference, columns)).dict()
    methods = {m["config"]["column"]: m["config"]["method"] for m in found["metrics"] if "column" in m["config"]}
    failed = [test["metric_config"]["params"]["column"] for test in found["tests"] if test["status"] == "FAIL"]
    return {column: methods.get(column) or "default" for column in failed}


def _prepared(frame: pl.DataFrame, columns: Sequence[Column]) -> Any:
    """Create a pandas frame; dates become days, as Evidently has no test for them."""
    days = [pl.col(c.name).cast(pl.Int64) / 86_400e6 for c in columns if c.kind == "dates"]
    return frame.with_columns(days).to_pandas()


def _dataset(frame: Any, columns: Sequence[Column]) -> Any:
    from evidently import DataDefinition, Dataset

    numbers = [c.name for c in columns if c.kind in NUMBERS or c.kind == "few-valued"]
    others = [c.name for c in columns if c.name not in numbers]
    return Dataset.from_pandas(frame, DataDefinition(numerical_columns=numbers, categorical_columns=others))
