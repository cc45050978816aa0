"""The commands ``new`` and ``spec``."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from airflow_mlops.cli import new, spec
from airflow_mlops.cli.commands import get_commands

REPO = Path(__file__).parents[3]


def test_the_commands_are_registered() -> None:
    (group,) = get_commands()
    names = {command.name for command in group.subcommands}  # type: ignore[union-attr]
    assert {"new", "spec"} <= names


def test_new_prints_the_files_and_the_next_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new.new(Namespace(model="fraud", into=str(tmp_path)))
    output = capsys.readouterr().out
    assert "wrote include/fraud/contract.yaml" in output
    assert "airflow mlops spec check include/fraud/lifecycle.yaml" in output
    with pytest.raises(SystemExit, match="fraud already exists"):
        new.new(Namespace(model="fraud", into=str(tmp_path)))


def test_new_needs_a_folder_to_write_into(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such folder"):
        new.new(Namespace(model="fraud", into=str(tmp_path / "nowhere")))


@pytest.mark.usefixtures("at_the_root")
def test_a_valid_file_is_reported_with_its_dags(capsys: pytest.CaptureFixture[str]) -> None:
    spec.check(Namespace(spec="include/churn/lifecycle.yaml", root="."))
    names = "churn_features, churn_training, churn_scoring, churn_monitoring"
    assert capsys.readouterr().out == f"include/churn/lifecycle.yaml: valid; DAGs: {names}\n"


@pytest.mark.usefixtures("at_the_root")
def test_an_invalid_file_exits_with_each_error(tmp_path: Path) -> None:
    text = (REPO / "include" / "churn" / "lifecycle.yaml").read_text()
    wrong = tmp_path / "lifecycle.yaml"
    wrong.write_text(text.replace("key: customer_id", "key: customer").replace("card.md", "carte.md"))
    with pytest.raises(SystemExit) as ended:
        spec.check(Namespace(spec=str(wrong), root="."))
    output = str(ended.value)
    assert "- key: 'customer' is not among the contract's columns; did you mean 'customer_id'?" in output
    assert "- training.about: there is no file include/churn/carte.md" in output
    wrong.write_text(text.replace("training:", "trainig:"))
    with pytest.raises(SystemExit, match="trainig: is not a known key; did you mean 'training'"):
        spec.check(Namespace(spec=str(wrong), root="."))
    wrong.write_text(text.replace("training:", "training:\n  tune: {space: {depth: [2, 4]}, trails: 3}", 1))
    with pytest.raises(SystemExit, match=r"(?s)'trails' is not .* TuneModelOperator.*training\.tune of /.*'trials'\?"):
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
