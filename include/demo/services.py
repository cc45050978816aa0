"""Data services of the demo's DAGs: the business database, the lifecycle store, the snapshots and MLflow."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.store.database import Database


@dataclass(frozen=True)
class DemoServices:
    """Locations of the demo's databases and folders.

    :param folder: business, snapshots and model artifacts.
    :param store_url: the lifecycle store.
    :param tracking_uri: MLflow's database.
    """

    folder: Path
    store_url: str
    tracking_uri: str

    @property
    def business_url(self) -> str:
        """The simulated company's own database."""
        return f"sqlite:///{self.folder / 'business.db'}"

    @property
    def snapshot_uri(self) -> str:
        """The snapshot root."""
        return (self.folder / "snapshots").as_uri()

    @property
    def database(self) -> Database:
        """The lifecycle store."""
        from airflow_mlops.store.database import Database

        return Database(self.store_url)

    @property
    def snapshots(self) -> SnapshotRoot:
        """The snapshots."""
        from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot

        return SnapshotRoot(self.snapshot_uri)

    @property
    def mlflow(self) -> MlflowClient:
        """An MLflow client."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    def connections(self) -> dict[str, str]:
        """Return the Airflow connections as environment variables."""
        from airflow_mlops.hooks.store import connection_dict

        values = {
            "MLOPS_STORE_DEFAULT": connection_dict(self.store_url, self.snapshot_uri),
            "MLFLOW_DEFAULT": {
                "conn_type": "mlflow",
                "extra": {"tracking_uri": self.tracking_uri, "artifact_location": (self.folder / "models").as_uri()},
            },
            "CHURN_DB": {"conn_type": "generic", "extra": {"sqlalchemy_url": self.business_url}},
        }
        return {f"AIRFLOW_CONN_{name}": json.dumps(value) for name, value in values.items()}

    def prepare(self, *, seed: int, size: int, change: bool, fresh: bool) -> bool:
        """Create whatever does not exist yet.

        :param fresh: wipe the data of an earlier demo first.
        :return: whether the business was newly generated.
        """
        from sqlalchemy import create_engine

        from include.churn import business, database

        if fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database.upgrade()
        self.mlflow.search_experiments(max_results=1)  # creates MLflow's tables before the tasks need them
        recipe = self.folder / "business.json"
        options = {"seed": seed, "size": size, "change": change}
        if recipe.is_file():
            previous = json.loads(recipe.read_text())
            if previous != options:
                raise SystemExit(
                    f"Cannot resume: the last demo was created with {previous}, not {options}. "
                    "Omit --continue to start clean, or pass the same options."
                )
            return False
        database.write(business.build(seed, size, change), create_engine(self.business_url))
        recipe.write_text(json.dumps(options))
        return True
