"""The examples of the page on loading work as described."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.models import artifact
from airflow_mlops.core.models.loading import LoadingOptions
from airflow_mlops.core.models.native import FORMATS
from airflow_mlops.hooks.model_loading import loading_options

PAGE = (Path(__file__).parents[3] / "docs" / "loading.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_code_prints_what_the_page_says(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
    model = LogisticRegression().fit(rows, [0, 0, 1, 1])
    names: dict[str, Any] = {"digest": artifact.write(model, "model", rows.head())}
    for code in blocks("python"):
        exec(compile(code, "docs/loading.md", "exec"), names)
    assert capsys.readouterr().out == re.findall(r"\n\n```\n(.*?)```", PAGE, flags=re.DOTALL)[-1]


def options_of(extra: dict[str, Any]) -> LoadingOptions:
    hook: Any = SimpleNamespace(connection=SimpleNamespace(extra_dejson=extra), mlflow_conn_id="m", client=None)
    return loading_options(hook)


def test_the_extra_of_the_page_opts_out_and_nothing_less_does() -> None:
    assert options_of(json.loads(blocks("json")[0])) == LoadingOptions(in_process=True, allow_pickle=True)
    for nothing in ({}, {"allow_pickle": None, "load_in_process": ""}, {"allow_pickle": "no"}):
        assert options_of(nothing) == LoadingOptions()
    with pytest.raises(BadInput, match="(?s)allow_pickle='perhaps' is not a valid boolean.*connection m"):
        options_of({"allow_pickle": "perhaps"})


def test_all_native_formats_are_named() -> None:
    assert all(name in PAGE.lower() for name in FORMATS.builtin)
