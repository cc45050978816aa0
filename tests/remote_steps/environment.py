"""Fixtures of remote steps: a store, an MLflow and a project. Imported by conftest files."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle_fixtures import Lifecycle, create_lifecycle
from tests.remote_steps.steps import BLOCKING_MLFLOW, CODE, make_rows


@dataclass(frozen=True)
class RemoteStepEnvironment(Lifecycle):
    """A test's lifecycle, and what its steps need.

    :param project: the folder of the team's code
    :param parts: part -> reference to its rows
    """

    project: Path
    parts: dict[str, Any]

    def run_states(self) -> list[str]:
        """Return the states of all runs that are not deleted."""
        found = self.client.get_experiment_by_name("e")
        return [] if found is None else [r.info.status for r in self.client.search_runs([found.experiment_id])]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project folder of a team's code, also importable here."""
    folder = tmp_path / "project" / "team"
    folder.mkdir(parents=True)
    folder.joinpath("model.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(folder.parent))
    for name in ("team", "team.model"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder.parent


@pytest.fixture
def stuck(tmp_path: Path) -> str:
    """A project whose training never ends: it replaces MLflow by a module that waits."""
    folder = tmp_path / "stuck"
    folder.mkdir()
    folder.joinpath("mlflow.py").write_text(BLOCKING_MLFLOW)
    return str(folder)


@pytest.fixture
def world(
    tmp_path: Path, migrated_mlflow: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> RemoteStepEnvironment:
    """A fresh store, snapshot root and MLflow in files; the connections of the operators' defaults lead there."""
    home = tmp_path / "kept"
    home.mkdir()
    made = create_lifecycle(home, migrated_mlflow, monkeypatch)
    made.client.create_experiment("e", artifact_location=(home / "artifacts").as_uri())
    parts = {
        name: made.root.write(name, make_rows(seed), partition="2026-04-06").to_dict()
        for seed, name in enumerate(("train", "validation", "test"))
    }
    return RemoteStepEnvironment(made.database, made.root, made.client, home, project, parts)
