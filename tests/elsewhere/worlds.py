"""Fixtures of steps that run elsewhere; a conftest imports them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.elsewhere.steps import CODE, STUCK, World, people
from tests.lifecycles import lifecycle_in


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
