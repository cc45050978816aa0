"""A new model's files are whole, hold together, and never take the place of others."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.lifecycle.scaffold import rendered, scaffold

REPO = Path(__file__).parents[4]


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_files_are_those_of_a_model(tmp_path: Path) -> None:
    written = scaffold("fraud", tmp_path)
    assert sorted(map(str, written)) == sorted(files(tmp_path))
    folder = {path.name for path in written if path.parent == Path("include/fraud")}
    needed = {"contract.yaml", "policy.yaml", "lifecycle.yaml", "features.py", "model.py", "self_tests.py", "card.md"}
    assert needed <= folder
    assert {Path("dags/fraud.py"), Path("tests/test_fraud.py")} <= set(written)


def test_the_dag_file_is_three_lines() -> None:
    code = ast.parse(rendered("fraud")[Path("dags/fraud.py")])
    assert len(code.body) == 3


def test_no_file_keeps_the_placeholder() -> None:
    for path, text in rendered("fraud").items():
        assert "__MODEL__" not in text, path
        assert "__MODEL__" not in str(path)


def test_python_files_are_as_the_house_writes_them(tmp_path: Path) -> None:
    scaffold("fraud", tmp_path)
    ruff = [sys.executable, "-m", "ruff"]
    for how in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [*ruff, *how, "--config", str(REPO / "pyproject.toml"), "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("there", ["include/fraud/policy.yaml", "dags/fraud.py", "tests/test_fraud.py"])
def test_nothing_is_overwritten_and_nothing_is_half_written(there: str, tmp_path: Path) -> None:
    mine = tmp_path / there
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(BadInput, match="fraud is there already") as caught:
        scaffold("fraud", tmp_path)
    assert there in str(caught.value)
    assert files(tmp_path) == {there: b"mine"}


def test_a_second_model_stands_beside_the_first(tmp_path: Path) -> None:
    scaffold("fraud", tmp_path)
    before = files(tmp_path)
    scaffold("churn", tmp_path)
    assert before.items() < files(tmp_path).items()


@pytest.mark.parametrize("name", ["Fraud", "my-model", "1st", "", "../up", "class", "a/b", "x" * 81])
def test_what_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be a model's name"):
        scaffold(name, tmp_path)
    assert files(tmp_path) == {}


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "include").write_text("a file where a folder should be")
    with pytest.raises(BadInput, match="include/fraud cannot be written"):
        scaffold("fraud", tmp_path)
    assert set(files(tmp_path)) == {"include"}
