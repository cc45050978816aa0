"""The files of a new model are complete and valid, and never overwrite others."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.lifecycle.scaffold import render_files, scaffold

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
    code = ast.parse(render_files("fraud")[Path("dags/fraud.py")])
    assert len(code.body) == 3


def test_no_file_keeps_the_placeholder() -> None:
    for path, text in render_files("fraud").items():
        assert "__MODEL__" not in text, path
        assert "__MODEL__" not in str(path)


def test_python_files_pass_ruff(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("existing", ["include/fraud/policy.yaml", "dags/fraud.py", "tests/test_fraud.py"])
def test_nothing_is_overwritten_and_nothing_is_half_written(existing: str, tmp_path: Path) -> None:
    mine = tmp_path / existing
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(BadInput, match="fraud already exists") as caught:
        scaffold("fraud", tmp_path)
    assert existing in str(caught.value)
    assert files(tmp_path) == {existing: b"mine"}


def test_a_second_model_leaves_the_first_unchanged(tmp_path: Path) -> None:
    scaffold("fraud", tmp_path)
    before = files(tmp_path)
    scaffold("churn", tmp_path)
    assert before.items() < files(tmp_path).items()


@pytest.mark.parametrize("name", ["Fraud", "my-model", "1st", "", "../up", "class", "a/b", "x" * 81])
def test_an_invalid_name_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a valid model name"):
        scaffold(name, tmp_path)
    assert files(tmp_path) == {}


def test_a_failed_write_leaves_no_files(tmp_path: Path) -> None:
    (tmp_path / "include").write_text("a file where a folder should be")
    with pytest.raises(BadInput, match="include/fraud cannot be written"):
        scaffold("fraud", tmp_path)
    assert set(files(tmp_path)) == {"include"}
