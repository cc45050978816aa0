"""What the page on the janitor shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.data.staging import KEPT_DAYS
from airflow_mlops.core.registry.janitor import Janitor

PAGE = (Path(__file__).parents[3] / "docs" / "janitor.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_code_prints_what_the_page_says(
    capsys: pytest.CaptureFixture[str], mlflow_client: Any, database: Any, root: Any
) -> None:
    names = {"client": mlflow_client, "store": database, "snapshots": root}
    exec(compile(blocks("python")[0], "docs/janitor.md", "exec"), names)
    assert capsys.readouterr().out == re.findall(r"\n\n```\n(.*?)```", PAGE, flags=re.DOTALL)[-1]


def test_the_defaults_are_those_of_the_code() -> None:
    rules = Janitor()
    assert f"(`keep_champions`, {rules.keep_champions}," in PAGE
    assert f"`keep_days` ({rules.keep_days:.0f})" in PAGE
    assert f"`most` things ({rules.most:,})" in PAGE
    assert f"{rules.older_than_hours:.0f} hours ago" in PAGE
    assert KEPT_DAYS == 7
