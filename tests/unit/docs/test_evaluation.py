"""What the page on evaluation shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.core.evaluation import fairness, importance, search, slices
from airflow_mlops.core.evaluation.cost import BATCH, BATCH_CALLS, SINGLE_CALLS
from airflow_mlops.core.evaluation.overfitting import LARGE_GAP, LARGE_RATIO
from airflow_mlops.core.metrics import METRICS, resampling
from airflow_mlops.operators.evaluate import EvaluateModelOperator

PAGE = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_code_runs_and_finds_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/evaluation.md", "exec"), names)
    printed = capsys.readouterr().out
    assert re.search(r"^roc_auc 0\.\d{3}, between 0\.\d{3} and 0\.\d{3}$", printed, flags=re.MULTILINE)
    assert "slice region=north: roc_auc: " in printed
    assert "group region: equalised odds: largest difference between groups" in printed
    assert "worst slice: mean loss" in printed


def test_the_step_takes_what_the_page_gives_it() -> None:
    output = SimpleNamespace(output={"test": {"kind": "snapshot"}})
    known = {"EvaluateModelOperator": EvaluateModelOperator, "register": output, "split": output}
    (code,) = blocks("python operator")
    exec(compile(f"step = {code}", "docs/evaluation.md", "exec"), known)
    assert known["step"].slices == ["region", "age"]


def test_every_metric_is_on_the_page_beside_its_task() -> None:
    told = {"two classes": "binary", "several classes": "multiclass", "a number": "regression"}
    for line, task in told.items():
        row, *_ = re.findall(rf"^\| {line}[^|]*\|(.*)\|$", PAGE, flags=re.MULTILINE)
        assert re.findall(r"`(\w+)`", row) == [m.name for m in METRICS.values() if m.task == task]


def test_the_numbers_are_those_of_the_code() -> None:
    said = " ".join(PAGE.split())
    assert f"the percentile bootstrap of {resampling.RESAMPLES} resamples" in said
    assert f"more than {LARGE_GAP:g} for a metric" in said
    assert f"more than {LARGE_RATIO:g} times" in said
    assert f"fewer than {slices.MIN_ROWS} rows is *not judged*" in said
    assert f"Groups of fewer than {fairness.MIN_ROWS} rows" in said
    assert f"at least {search.MIN_ROWS} rows and {search.MIN_SHARE:.0%}".replace("%", " %") in said
    assert f"on {importance.MOST_ROWS:,} gate rows, four times" in said
    assert importance.REPEATS == 4
    assert f"one row, {SINGLE_CALLS} calls" in said
    assert f"a thousand rows, {BATCH_CALLS} calls" in said
    assert BATCH == 1000
