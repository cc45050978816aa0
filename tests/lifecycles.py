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

    from airflow_mlops.core.data.snapshot import SnapshotRoot
    from airflow_mlops.store.database import Database


@dataclass(frozen=True)
class Lifecycle:
    """Where a test's lifecycle is kept.

    :param database: the lifecycle store
    :param root: the snapshot root
    :param client: MLflow's client
    :param folder: the folder of all three, also the current one
    """

    database: Database
    root: SnapshotRoot
    client: MlflowClient
    folder: Path


def lifecycle_in(folder: Path, migrated_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> Lifecycle:
    """Give a fresh one; the connections of the operators' defaults lead there.

    :param migrated_mlflow: an MLflow database, to be copied
    """
    from mlflow import MlflowClient

    from airflow_mlops.core.data.snapshot import SnapshotRoot
    from airflow_mlops.hooks.store import connection_value
    from airflow_mlops.store.database import Database

    url, tracking = f"sqlite:///{folder}/store.db", f"sqlite:///{folder}/mlflow.db"
    snapshots, artifacts = (folder / "snapshots").as_uri(), (folder / "artifacts").as_uri()
    for name, value in {
        "MLOPS_STORE_DEFAULT": connection_value(url, snapshots),
        "MLFLOW_DEFAULT": {"conn_type": "mlflow", "extra": {"tracking_uri": tracking, "artifact_location": artifacts}},
    }.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(value))
    monkeypatch.chdir(folder)  # where MLflow would put what it has no other place for
    database = Database(url)
    database.upgrade()
    copyfile(migrated_mlflow, folder / "mlflow.db")
    client = MlflowClient(tracking_uri=tracking, registry_uri=tracking)
    return Lifecycle(database, SnapshotRoot(snapshots), client, folder)
