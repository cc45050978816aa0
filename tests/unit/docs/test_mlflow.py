"""The examples of the page on MLflow work as described."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.tracking import Access
from airflow_mlops.get_provider_info import get_provider_info

PAGE = (Path(__file__).parents[3] / "docs" / "mlflow.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_code_runs_and_says_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(compile(code, "docs/mlflow.md", "exec"), names)
    assert capsys.readouterr().out == blocks("text")[0]


def test_the_table_has_the_fields_and_defaults_of_the_form_and_of_the_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGE, flags=re.MULTILINE))
    (form,) = [c for c in get_provider_info()["connection-types"] if c["connection-type"] == "mlflow"]
    assert set(rows) == set(form["conn-fields"])
    for name in ("connect_seconds", "read_seconds", "overall_seconds"):
        default = form["conn-fields"][name]["schema"]["default"]
        assert float(rows[name]) == default == getattr(Access("http://h"), name)
