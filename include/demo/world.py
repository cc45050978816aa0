"""What the demo's DAGs work on: the simulated business, the lifecycle store, the snapshots and MLflow."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.core.data.snapshot import SnapshotRoot
    from airflow_mlops.store.database import Database


@dataclass(frozen=True)
class World:
    """Where everything is.

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
        from airflow_mlops.core.data.snapshot import SnapshotRoot

        return SnapshotRoot(self.snapshot_uri)

    @property
    def mlflow(self) -> MlflowClient:
        """An MLflow client."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    def connections(self) -> dict[str, str]:
        """Give the Airflow connections, as environment variables."""
        from airflow_mlops.hooks.store import connection_value

        values = {
            "MLOPS_STORE_DEFAULT": connection_value(self.store_url, self.snapshot_uri),
            "MLFLOW_DEFAULT": {
                "conn_type": "mlflow",
                "extra": {"tracking_uri": self.tracking_uri, "artifact_location": (self.folder / "models").as_uri()},
            },
            "CHURN_DB": {"conn_type": "generic", "extra": {"sqlalchemy_url": self.business_url}},
        }
        return {f"AIRFLOW_CONN_{name}": json.dumps(value) for name, value in values.items()}

    def prepare(self, *, seed: int, size: int, change: bool, fresh: bool) -> bool:
        """Make everything that is not there yet.

        :param fresh: wipe what an earlier demo left.
        :returns: whether the business was made anew.
        """
        from sqlalchemy import create_engine

        from include.churn import business, database

        if fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database.upgrade()
        self.mlflow.search_experiments(max_results=1)  # makes MLflow's tables, once, before the tasks need them
        recipe = self.folder / "business.json"
        wanted = {"seed": seed, "size": size, "change": change}
        if recipe.is_file():
            found = json.loads(recipe.read_text())
            if found != wanted:
                raise SystemExit(
                    f"The demo that is to go on was made with {found}, not {wanted}. "
                    "Leave --continue out to start clean, or ask for the same."
                )
            return False
        database.write(business.build(seed, size, change), create_engine(self.business_url))
        recipe.write_text(json.dumps(wanted))
        return True
