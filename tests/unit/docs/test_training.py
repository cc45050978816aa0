"""What the page on training shows works as it says."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from airflow.sdk import task

from airflow_mlops.core.metrics import metric
from airflow_mlops.core.training import recorded
from airflow_mlops.core.training.native import network
from airflow_mlops.core.training.provenance import CODE_TAG, PYTHON_TAG
from airflow_mlops.decorators.train_model import train_model_task

PAGE = (Path(__file__).parents[3] / "docs" / "training.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize(("number", "tasks"), [(0, ["train", "select"]), (1, ["boosting"])])
def test_the_dags_can_be_parsed(number: int, tasks: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(task), "train_model", staticmethod(train_model_task), raising=False)
    names: dict[str, Any] = {}
    exec(compile(blocks("python dag")[number], "docs/training.md", "exec"), names)
    assert list(names["dag"].task_ids) == tasks
    assert names["dag"].get_task(tasks[0]).is_mapped


def test_the_code_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for code in blocks("python"):
        exec(compile(code, "docs/training.md", "exec"), {})
    assert "['high', 'low', 'mid'] (4, 3)" in capsys.readouterr().out


def test_a_network_is_returned_with_the_keywords_of_the_page() -> None:
    function: Any = ast.parse("def f():\n" + indent(blocks("python torch")[0], "  ")).body[0]
    call = function.body[-1].value
    inspect.signature(network).bind(*call.args, **{k.arg: k.value for k in call.keywords})


def test_the_names_on_the_page_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (?:two|three|a number).*?\| (.*?) \|", PAGE, flags=re.MULTILINE)
    assert [{metric(name).task for name in re.findall(r"`(\w+)`", row)} for row in rows] == [
        {"binary"},
        {"multiclass"},
        {"regression"},
    ]
    for name in (CODE_TAG, PYTHON_TAG, recorded.PROFILE, recorded.CONTRACT, recorded.ESTIMATOR):
        assert f"`{name}`" in PAGE
    assert f"{recorded.TRAIN_SAMPLE:,} random training rows" in PAGE
