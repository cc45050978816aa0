"""What the page on the lifecycle's file shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from airflow_mlops.cli.commands import get_commands
from airflow_mlops.core.lifecycle import Lifecycle
from airflow_mlops.core.lifecycle.scaffold import render_files
from airflow_mlops.core.lifecycle.validation import find_spec_errors
from airflow_mlops.dag_factory import lifecycle_dags

REPO = Path(__file__).parents[3]
PAGE = (REPO / "docs" / "lifecycle-spec.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)[0])


def test_the_file_on_the_page_holds_and_makes_its_dags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPO)
    spec = Lifecycle.load(yaml.safe_load(block("yaml")))
    assert find_spec_errors(spec) == []
    assert [dag.dag_id.removeprefix("churn_") for dag in lifecycle_dags(spec)] == [
        "features",
        "training",
        "scoring",
        "monitoring",
    ]


def test_the_dag_file_on_the_page_is_the_one_that_is_written() -> None:
    written = render_files("churn")[Path("dags/churn.py")]
    assert block("python dag").strip() in written


def test_the_commands_on_the_page_are_known() -> None:
    (group,) = get_commands()
    known = {command.name: command for command in group.subcommands}  # type: ignore[attr-defined]
    shown = set(re.findall(r"airflow mlops (\w+)", PAGE))
    assert shown == {"new", "spec", "contract"}
    assert shown <= set(known)
    of_spec = {command.name for command in known["spec"].subcommands}  # type: ignore[union-attr]
    assert set(re.findall(r"airflow mlops spec (\w+)", PAGE)) == of_spec


def test_the_number_of_lines_is_the_one_that_the_test_of_a_new_model_counts() -> None:
    test = (REPO / "tests" / "integration" / "test_lifecycle.py").read_text(encoding="utf-8")
    (counted,) = re.findall(r"assert written == (\d+)", test)
    assert f"it takes {counted} new lines in the two files" in PAGE
