"""The commands ``new`` and ``spec`` do what they say, and end with words."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from airflow_mlops.cli import new, spec
from airflow_mlops.cli.commands import get_commands

REPO = Path(__file__).parents[3]


def test_the_commands_are_known() -> None:
    (group,) = get_commands()
    names = {command.name for command in group.subcommands}  # type: ignore[union-attr]
    assert {"new", "spec"} <= names


def test_new_says_what_it_wrote_and_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new.new(Namespace(model="fraud", into=str(tmp_path)))
    said = capsys.readouterr().out
    assert "wrote include/fraud/contract.yaml" in said
    assert "airflow mlops spec check include/fraud/lifecycle.yaml" in said
    with pytest.raises(SystemExit, match="fraud is there already"):
        new.new(Namespace(model="fraud", into=str(tmp_path)))


def test_new_needs_a_folder_to_write_into(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no folder"):
        new.new(Namespace(model="fraud", into=str(tmp_path / "nowhere")))


@pytest.mark.usefixtures("at_the_root")
def test_a_file_that_holds_is_told_with_its_dags(capsys: pytest.CaptureFixture[str]) -> None:
    spec.check(Namespace(spec="include/churn/lifecycle.yaml", root="."))
    names = "churn_features, churn_training, churn_scoring, churn_monitoring"
    assert capsys.readouterr().out == f"include/churn/lifecycle.yaml: valid; DAGs: {names}\n"


@pytest.mark.usefixtures("at_the_root")
def test_a_file_that_does_not_hold_ends_with_each_mistake(tmp_path: Path) -> None:
    text = (REPO / "include" / "churn" / "lifecycle.yaml").read_text()
    wrong = tmp_path / "lifecycle.yaml"
    wrong.write_text(text.replace("key: customer_id", "key: customer").replace("card.md", "carte.md"))
    with pytest.raises(SystemExit) as ended:
        spec.check(Namespace(spec=str(wrong), root="."))
    said = str(ended.value)
    assert "- key: 'customer' is not among the contract's columns; did you mean 'customer_id'?" in said
    assert "- training.about: there is no file include/churn/carte.md" in said
    wrong.write_text(text.replace("training:", "trainig:"))
    with pytest.raises(SystemExit, match="trainig: is not a known key; did you mean 'training'"):
        spec.check(Namespace(spec=str(wrong), root="."))


def test_the_schema_is_printed_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec.schema(Namespace(output=None))
    printed = capsys.readouterr().out
    assert json.loads(printed)["title"] == "Lifecycle"
    spec.schema(Namespace(output=str(tmp_path / "schema.json")))
    assert (tmp_path / "schema.json").read_text() == printed


@pytest.fixture
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPO)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
