"""What the page on loading shows works as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.registry.loading import Loading
from airflow_mlops.core.training.formats import LIBRARIES
from airflow_mlops.hooks.model_loading import loading_of

PAGE = (Path(__file__).parents[3] / "docs" / "loading.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_code_prints_what_the_page_says(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/loading.md", "exec"), names)
    assert capsys.readouterr().out == re.findall(r"\n\n```\n(.*?)```", PAGE, flags=re.DOTALL)[-1]


def told(extra: dict[str, Any]) -> Loading:
    hook: Any = SimpleNamespace(connection=SimpleNamespace(extra_dejson=extra), mlflow_conn_id="m", client=None)
    return loading_of(hook)


def test_the_extra_of_the_page_opts_out_and_nothing_less_does() -> None:
    assert told(json.loads(blocks("json")[0])) == Loading(in_process=True, allow_pickle=True)
    for nothing in ({}, {"allow_pickle": None, "load_in_process": ""}, {"allow_pickle": "no"}):
        assert told(nothing) == Loading()
    with pytest.raises(BadInput, match="(?s)allow_pickle='perhaps' cannot be read.*connection m"):
        told({"allow_pickle": "perhaps"})


def test_all_native_formats_are_named() -> None:
    assert all(name in PAGE.lower() for name in LIBRARIES)
