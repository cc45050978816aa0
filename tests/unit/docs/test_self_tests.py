"""What the page on self-tests shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from airflow_mlops.core.evaluation.self_tests import BUILT_IN
from airflow_mlops.core.evaluation.self_tests.learning import HUNDRED, LEAST_ROWS, TIMES
from airflow_mlops.operators.self_test import MOST_ROWS

PAGE = (Path(__file__).parents[3] / "docs" / "self-tests.md").read_text(encoding="utf-8")


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
    assert {"case 2: the old of elm do not", "invariance name", "direction age", "direction town", "test_towns"} < set(
        report.facts["tests"]
    )


def test_the_names_and_numbers_on_the_page_are_those_of_the_code() -> None:
    assert tuple(re.findall(r"^\| `([a-z ]+)` \|", PAGE, flags=re.MULTILINE)) == BUILT_IN
    assert f"at most {MOST_ROWS:,} of the rows" in PAGE
    assert (HUNDRED, LEAST_ROWS, TIMES) == (100, 50, 20)
