"""Where steps that run elsewhere keep what they make, and fixtures for it; a conftest imports them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.elsewhere.steps import CODE, STUCK, people
from tests.lifecycles import Lifecycle, lifecycle_in


@dataclass(frozen=True)
class World(Lifecycle):
    """A test's lifecycle, and what its steps need.

    :param project: the folder of the team's code
    :param parts: part -> reference to its rows
    """

    project: Path
    parts: dict[str, Any]

    def runs(self) -> list[str]:
        """Give the states of all runs that live."""
        found = self.client.get_experiment_by_name("e")
        return [] if found is None else [r.info.status for r in self.client.search_runs([found.experiment_id])]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a team's code, which this process finds, too."""
    folder = tmp_path / "project" / "team"
    folder.mkdir(parents=True)
    folder.joinpath("model.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(folder.parent))
    for name in ("team", "team.model"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder.parent


@pytest.fixture
def stuck(tmp_path: Path) -> str:
    """A project in whose presence a training comes to no end: where it wants MLflow, it gets something that waits."""
    folder = tmp_path / "stuck"
    folder.mkdir()
    folder.joinpath("mlflow.py").write_text(STUCK)
    return str(folder)


@pytest.fixture
def world(tmp_path: Path, migrated_mlflow: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fresh store, snapshot root and MLflow in files; the connections of the operators' defaults lead there."""
    home = tmp_path / "kept"
    home.mkdir()
    made = lifecycle_in(home, migrated_mlflow, monkeypatch)
    made.client.create_experiment("e", artifact_location=(home / "artifacts").as_uri())
    parts = {
        name: made.root.write(name, people(seed), partition="2026-04-06").to_dict()
        for seed, name in enumerate(("train", "validation", "test"))
    }
    return World(made.database, made.root, made.client, home, project, parts)
