"""What the page on evaluation shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from airflow_mlops.core.evaluation import fairness, importance, slice_checks, worst_slice
from airflow_mlops.core.evaluation.latency import BATCH, BATCH_CALLS, SINGLE_CALLS
from airflow_mlops.core.evaluation.overfitting import LARGE_RATIO
from airflow_mlops.core.metrics import METRICS, resampling
from airflow_mlops.core.metrics.builders import LARGE_FALL

PAGE = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_operator_accepts_the_parameters_of_the_page() -> None:
    names: dict[str, Any] = {}
    (code,) = blocks("python operator")
    exec(compile(code, "docs/evaluation.md", "exec"), names)
    assert names["dag"].get_task("evaluate").slices == ["region", "age"]


def test_every_metric_is_on_the_page_beside_its_task() -> None:
    for task in ("binary", "multiclass", "regression"):
        row, *_ = re.findall(rf"^\| {task}:[^|]*\|(.*)\|$", PAGE, flags=re.MULTILINE)
        assert re.findall(r"`(\w+)`", row) == [m.name for m in METRICS.values() if m.task == task]


def test_the_numbers_are_those_of_the_code() -> None:
    prose = " ".join(PAGE.split())
    assert f"the percentile bootstrap of {resampling.RESAMPLES} resamples" in prose
    assert f"more than {LARGE_FALL:g} for a metric" in prose
    assert f"more than {LARGE_RATIO:g} times" in prose
    assert f"fewer than {slice_checks.MIN_ROWS} rows is `inconclusive`" in prose
    assert f"Groups of fewer than {fairness.MIN_ROWS} rows" in prose
    assert f"at least {worst_slice.MIN_ROWS} rows and {worst_slice.MIN_FRACTION:.0%}".replace("%", " %") in prose
    assert f"on {importance.MAX_ROWS:,} gate rows, four times" in prose
    assert importance.REPEATS == 4
    assert f"one row, {SINGLE_CALLS} calls" in prose
    assert f"a thousand rows, {BATCH_CALLS} calls" in prose
    assert BATCH == 1000
