"""The examples of the page on training work as described."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from textwrap import indent
from typing import Any

import pandas as pd
import pytest
from airflow.sdk import task
from sklearn.linear_model import LogisticRegression

from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.models import artifact
from airflow_mlops.core.models.native import wrap_network
from airflow_mlops.core.training import run_recording
from airflow_mlops.core.training.provenance import CODE_TAG, PYTHON_TAG
from airflow_mlops.decorators.train_model import train_model_task

PAGE = (Path(__file__).parents[3] / "docs" / "training.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize(("number", "tasks"), [(0, ["split", "train", "select"]), (1, ["split", "boosting"])])
def test_the_dags_can_be_parsed(number: int, tasks: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(task), "train_model", staticmethod(train_model_task), raising=False)
    names: dict[str, Any] = {}
    exec(compile(blocks("python dag")[number], "docs/training.md", "exec"), names)
    assert list(names["dag"].task_ids) == tasks
    assert names["dag"].get_task(tasks[1]).is_mapped


def test_a_model_is_loaded_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
    model = LogisticRegression().fit(rows, ["low", "mid", "high", "high"])
    names: dict[str, Any] = {"rows": rows, "digest": artifact.write(model, "model", rows.head(2))}
    exec(compile(blocks("python load")[0], "docs/training.md", "exec"), names)
    assert names["scores"].shape == (4, 3)


def test_a_network_is_returned_with_the_keywords_of_the_page() -> None:
    function: Any = ast.parse("def f():\n" + indent(blocks("python torch")[0], "  ")).body[0]
    call = function.body[-1].value
    inspect.signature(wrap_network).bind(*call.args, **{k.arg: k.value for k in call.keywords})


def test_the_names_on_the_page_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (?:binary|multiclass|regression) \| (.*?) \|", PAGE, flags=re.MULTILINE)
    assert [{get_metric(name).task for name in re.findall(r"`(\w+)`", row)} for row in rows] == [
        {"binary"},
        {"multiclass"},
        {"regression"},
    ]
    for name in (
        CODE_TAG,
        PYTHON_TAG,
        run_recording.PROFILE_FILE,
        run_recording.CONTRACT_FILE,
        run_recording.ESTIMATOR_FILE,
    ):
        assert f"`{name}`" in PAGE
    assert f"{run_recording.TRAIN_SAMPLE_ROWS:,} random training rows" in PAGE
