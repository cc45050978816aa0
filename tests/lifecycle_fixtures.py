"""A test's own lifecycle store, snapshot root and MLflow, in files of one folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.store.database import Database


@dataclass(frozen=True)
class Lifecycle:
    """A test's store, snapshot root and MLflow.

    :param database: the lifecycle store
    :param root: the snapshot root
    :param client: MLflow's client
    :param folder: the folder of all three, also the current one
    """

    database: Database
    root: SnapshotRoot
    client: MlflowClient
    folder: Path


@pytest.fixture(scope="session")
def migrated_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs, to be copied: MLflow takes seconds to make one."""
    mlflow = pytest.importorskip("mlflow")
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    uri = f"sqlite:///{path}"
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(path.parent)  # where it makes its default artifact root
        mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)
    return path


def create_lifecycle(folder: Path, migrated_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> Lifecycle:
    """Create a lifecycle, and point the operators' default connections to it.

    :param migrated_mlflow: an MLflow database, to be copied
    """
    from mlflow import MlflowClient

    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.hooks.store import connection_dict
    from airflow_mlops.store.database import Database

    url, tracking = f"sqlite:///{folder}/store.db", f"sqlite:///{folder}/mlflow.db"
    snapshots, artifacts = (folder / "snapshots").as_uri(), (folder / "artifacts").as_uri()
    for name, value in {
        "MLOPS_STORE_DEFAULT": connection_dict(url, snapshots),
        "MLFLOW_DEFAULT": {"conn_type": "mlflow", "extra": {"tracking_uri": tracking, "artifact_location": artifacts}},
    }.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(value))
    monkeypatch.chdir(folder)  # MLflow's default location of files
    database = Database(url)
    database.upgrade()
    copyfile(migrated_mlflow, folder / "mlflow.db")
    client = MlflowClient(tracking_uri=tracking, registry_uri=tracking)
    return Lifecycle(database, SnapshotRoot(snapshots), client, folder)
