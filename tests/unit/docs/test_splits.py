"""The examples of the page on splits work as described."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from airflow_mlops.core.training.leakage import SAMPLE_ROWS, LeakageExemption
from airflow_mlops.core.training.leakage.exemptions import LeakageCheckName
from airflow_mlops.core.training.leakage.target_proxy import MIN_CLASS_ROWS, MIN_ROWS
from airflow_mlops.operators.split import SplitDatasetOperator

PAGE = (Path(__file__).parents[3] / "docs" / "splits.md").read_text(encoding="utf-8")
PROSE = " ".join(PAGE.split())


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_code_runs_and_finds_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/splits.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "{'train': 42, 'test': 30, 'gap': 14, 'validation': 14}" in printed
    assert "True" in printed
    assert "riders = casual + registered" in printed
    assert "tips: target proxy: feature tips alone predicts riders" in printed


def test_the_operators_of_the_table_can_be_made() -> None:
    calls = re.findall(r"`(SplitDatasetOperator\(.*?\))`", PAGE)
    assert len(calls) == 5
    for call in calls:
        keywords = {k.arg: ast.literal_eval(k.value) for k in ast.parse(call, mode="eval").body.keywords}  # type: ignore[attr-defined]
        SplitDatasetOperator(task_id="t", snapshot="d@p", **keywords)


def test_every_check_is_explained_and_what_is_ignored_is_valid() -> None:
    names = "".join(re.findall(r"^\| (`.*?) \| (?:error|warn) \|", PAGE, flags=re.MULTILINE))
    assert {*re.findall(r"`(.*?)`", names)} == {*get_args(LeakageCheckName)}
    for entry in yaml.safe_load(blocks("yaml ignore")[0]):
        assert LeakageExemption.load(entry).reason


def test_the_figures_are_those_of_the_code() -> None:
    assert f"{SAMPLE_ROWS:,} rows a part" in PROSE
    assert f"fewer than {MIN_ROWS} rows on a side, or {MIN_CLASS_ROWS} of a class" in PROSE
