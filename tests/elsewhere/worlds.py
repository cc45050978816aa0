"""Fixtures of steps that run elsewhere; a conftest takes them with ``from tests.elsewhere.worlds import *``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from tests.elsewhere.steps import CODE, STUCK, World, people


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


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs, to be copied: MLflow takes seconds to make one."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(path.parent)
        MlflowClient(tracking_uri=f"sqlite:///{path}", registry_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def world(tmp_path: Path, migrated: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fresh store, snapshot root and MLflow in files; the connections of the operators' defaults lead there."""
    from mlflow import MlflowClient

    from airflow_mlops.core.data.snapshot import SnapshotRoot
    from airflow_mlops.hooks.store import connection_value
    from airflow_mlops.store.database import Database

    home = tmp_path / "kept"
    home.mkdir()
    url, tracking = f"sqlite:///{home}/store.db", f"sqlite:///{home}/mlflow.db"
    snapshots, artifacts = (home / "snapshots").as_uri(), (home / "artifacts").as_uri()
    for name, value in {
        "MLOPS_STORE_DEFAULT": connection_value(url, snapshots),
        "MLFLOW_DEFAULT": {"conn_type": "mlflow", "extra": {"tracking_uri": tracking, "artifact_location": artifacts}},
    }.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(value))
    monkeypatch.chdir(home)
    database, root = Database(url), SnapshotRoot(snapshots)
    database.upgrade()
    copyfile(migrated, home / "mlflow.db")
    client = MlflowClient(tracking_uri=tracking, registry_uri=tracking)
    client.create_experiment("e", artifact_location=artifacts)
    parts = {
        name: root.write(name, people(seed), partition="2026-04-06").to_dict()
        for seed, name in enumerate(("train", "validation", "test"))
    }
    return World(database, root, client, home, project, parts)
