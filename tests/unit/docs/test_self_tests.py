"""The examples of the page on model tests work as described."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from airflow_mlops.core.model_tests import BUILT_IN
from airflow_mlops.core.model_tests.learning import MIN_ROWS, OVERFIT_ROWS, REPETITIONS
from airflow_mlops.operators.self_test import MAX_ROWS

PAGE = (Path(__file__).parents[3] / "docs" / "self-tests.md").read_text(encoding="utf-8")
PROSE = " ".join(PAGE.split())


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_dag_can_be_parsed() -> None:
    names: dict[str, Any] = {}
    exec(compile(blocks("python dag")[0], "docs/self-tests.md", "exec"), names)
    assert list(names["dag"].task_ids) == ["self_test", "gate"]
    assert names["dag"].get_task("gate").upstream_task_ids == {"self_test"}


def test_the_code_runs_and_its_model_passes() -> None:
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/self-tests.md", "exec"), names)
    report = names["report"]
    assert report.verdict == "pass", report.summary(20)
    names_of_tests = {"case 2: old guests from elm do not", "invariance name", "direction age", "direction town"}
    assert {*names_of_tests, "test_towns"} < set(report.facts["tests"])


def test_the_names_and_numbers_on_the_page_are_those_of_the_code() -> None:
    assert tuple(re.findall(r"^\| `([a-z ]+)` \|", PAGE, flags=re.MULTILINE)) == BUILT_IN
    assert f"at most {MAX_ROWS:,} of the rows" in PROSE
    assert (OVERFIT_ROWS, MIN_ROWS, REPETITIONS) == (100, 50, 20)
