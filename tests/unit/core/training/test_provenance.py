"""The code that makes a model has a name: a bundle's version, a commit, a package; or it is said that it has none."""

from __future__ import annotations

import importlib.util
import subprocess
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sklearn
from sklearn.linear_model import LogisticRegression

from airflow_mlops.core.training import provenance
from airflow_mlops.core.training.provenance import code_version


def git(folder: Path, *words: str) -> str:
    names = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *names, "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, which has ``models/m.py``."""
    folder = tmp_path / "repo"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "m.py").write_text("def build():\n    return None\n")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    return folder


def function_of(folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location("m_of_a_test", folder / "models" / "m.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build


def test_the_version_of_the_bundle_comes_first(repository: Path) -> None:
    assert code_version(function_of(repository), bundle="models", version="4f2a") == "bundle:models@4f2a"


def test_a_bundle_without_versions_is_named_by_the_commit_that_its_code_is_in(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    build = function_of(repository)
    assert code_version(build, bundle="models") == f"git:{commit}"
    assert code_version(partial(build)) == f"git:{commit}"
    git(repository, "pack-refs", "--all")
    assert code_version(build) == f"git:{commit}"
    git(repository, "checkout", "--detach")
    assert code_version(build) == f"git:{commit}"


@pytest.mark.parametrize("how", ["changed", "added"])
def test_code_that_is_not_committed_is_said_to_be_changed(repository: Path, how: str) -> None:
    name = {"changed": "m.py", "added": "new.py"}[how]
    (repository / "models" / name).write_text("def build():\n    return 1\n")
    assert code_version(function_of(repository)) == f"git:{git(repository, 'rev-parse', 'HEAD')}+changed"


def test_a_worktree_has_a_commit_of_its_own(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-b", "other", str(tmp_path / "tree"))
    (tmp_path / "tree" / "models" / "m.py").write_text("def build():\n    return 2\n")
    git(tmp_path / "tree", "commit", "-am", "two")
    commit = git(tmp_path / "tree", "rev-parse", "HEAD")
    assert commit != git(repository, "rev-parse", "HEAD")
    assert code_version(function_of(tmp_path / "tree")) == f"git:{commit}"


@pytest.mark.parametrize("trouble", ["missing", "fails"])
def test_where_git_cannot_tell_it_is_said_that_nothing_was_checked(
    repository: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    commit, build = git(repository, "rev-parse", "HEAD"), function_of(repository)
    found = None if trouble == "missing" else "/bin/false"
    monkeypatch.setattr(provenance.shutil, "which", lambda name: found)
    assert code_version(build) == f"git:{commit}+unchecked"


def test_the_dag_s_file_is_asked_where_the_estimator_is_a_library_s(repository: Path, tmp_path: Path) -> None:
    build, commit = "sklearn.linear_model:LogisticRegression", git(repository, "rev-parse", "HEAD")
    assert code_version(build, files=[str(repository / "models" / "m.py")]) == f"git:{commit}"
    (tmp_path / "dag.py").write_text("")
    # Installed packages lie below this repository's folder here, but are not part of it.
    assert code_version(build, files=[str(tmp_path / "dag.py")]) == f"package:sklearn=={sklearn.__version__}"
    assert code_version(LogisticRegression) == f"package:sklearn=={sklearn.__version__}"


def test_code_that_is_nowhere_is_unknown(tmp_path: Path) -> None:
    assert code_version("no.such:module", files=[str(tmp_path / "dag.py")]) == "unknown"
    assert code_version(eval("lambda: 1")) == "unknown"


def test_a_damaged_repository_is_no_error(repository: Path) -> None:
    build = function_of(repository)
    (repository / ".git" / "HEAD").unlink()
    assert code_version(build) == "unknown"
