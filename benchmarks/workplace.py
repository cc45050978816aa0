"""A lifecycle store, snapshots and an MLflow in a folder, for operators that are executed without a scheduler."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where operators work.

    :param folder: everything lies in it.
    """

    folder: Path

    @property
    def tracking_uri(self) -> str:
        """MLflow's database."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def store_url(self) -> str:
        """The lifecycle store."""
        return f"sqlite:///{self.folder / 'store.db'}"

    def use(self) -> None:
        """Make it this process's: Airflow's connections, and where MLflow keeps things."""
        from airflow_mlops.hooks.store import connection_value

        place = (self.folder / "models").as_uri()
        values = {
            "MLOPS_STORE_DEFAULT": connection_value(self.store_url, (self.folder / "snapshots").as_uri()),
            "MLFLOW_DEFAULT": {
                "conn_type": "mlflow",
                "extra": {"tracking_uri": self.tracking_uri, "artifact_location": place},
            },
        }
        os.environ.update({f"AIRFLOW_CONN_{name}": json.dumps(value) for name, value in values.items()})
        os.environ |= {"AIRFLOW_HOME": str(self.folder / "airflow"), "MLFLOW_TRACKING_URI": self.tracking_uri}

    def prepare(self, experiment: str) -> None:
        """Make the tables, and an experiment."""
        from mlflow import MlflowClient

        from airflow_mlops.store.database import Database

        Database(self.store_url).upgrade()
        client = MlflowClient(tracking_uri=self.tracking_uri)
        client.create_experiment(experiment, artifact_location=(self.folder / "models").as_uri())


def execute(task: Any, run: str, dag: str = "bench") -> dict[str, Any]:
    """Execute an operator as a task of a run would, and give what it gives.

    :param run: the run's id; another one is other work, the same one a retry.
    """
    ti = SimpleNamespace(
        dag_id=dag, run_id=run, task_id=task.task_id, map_index=-1, task=task, xcom_push=lambda key, value: None
    )
    task.render_template_fields({})
    given: dict[str, Any] = task.execute({"ti": ti})
    return given
