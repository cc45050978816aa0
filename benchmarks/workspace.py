"""A lifecycle store, snapshots and an MLflow in a folder, for operators that are executed without a scheduler."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where operators work.

    :param folder: everything lies in it.
    :param store: the lifecycle store's URL; empty: SQLite in the folder.
    """

    folder: Path
    store: str = ""

    @property
    def tracking_uri(self) -> str:
        """MLflow's database."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def store_url(self) -> str:
        """The lifecycle store."""
        return self.store or f"sqlite:///{self.folder / 'store.db'}"

    def connections(self) -> dict[str, str]:
        """Return Airflow's connections, as environment variables."""
        from airflow_mlops.hooks.store import connection_dict

        place = (self.folder / "models").as_uri()
        values = {
            "MLOPS_STORE_DEFAULT": connection_dict(self.store_url, (self.folder / "snapshots").as_uri()),
            "MLFLOW_DEFAULT": {
                "conn_type": "mlflow",
                "extra": {"tracking_uri": self.tracking_uri, "artifact_location": place},
            },
        }
        return {f"AIRFLOW_CONN_{name}": json.dumps(value) for name, value in values.items()}

    def use(self) -> None:
        """Apply it to this process."""
        os.environ |= self.connections()
        os.environ |= {"AIRFLOW_HOME": str(self.folder / "airflow"), "MLFLOW_TRACKING_URI": self.tracking_uri}

    def prepare(self, experiment: str) -> None:
        """Create the tables, and an experiment."""
        from mlflow import MlflowClient

        from airflow_mlops.store.database import Database

        self.folder.mkdir(parents=True, exist_ok=True)
        Database(self.store_url).upgrade()
        client = MlflowClient(tracking_uri=self.tracking_uri)
        client.create_experiment(experiment, artifact_location=(self.folder / "models").as_uri())

    def crown(self, model: str, version: int = 1) -> None:
        """Make a version the first champion of the ledger, without a gate."""
        from airflow_mlops.store import ledger, versions
        from airflow_mlops.store.database import Database

        database = Database(self.store_url)
        ledger.append(
            database, model=model, expected_revision=None, version=version,
            digest=versions.get(database, model, version).digest, gate_report=None, approver=None,
            reason="a benchmark", actor="bench",
        )  # fmt: skip


def execute_task(task: Any, run: str, dag: str = "bench") -> dict[str, Any]:
    """Execute an operator as a task of a run would, and give what it gives.

    :param run: the run's id; another one is other work, the same one a retry.
    """
    ti = SimpleNamespace(
        dag_id=dag, run_id=run, task_id=task.task_id, map_index=-1, task=task, xcom_push=lambda key, value: None
    )
    task.render_template_fields({})
    given: dict[str, Any] = task.execute({"ti": ti})
    return given


if __name__ == "__main__":  # a process of its own, as whoever measures imports little
    workplace = Workspace(Path(sys.argv[2]), sys.argv[3])
    {"prepare": workplace.prepare, "crown": workplace.crown}[sys.argv[1]](sys.argv[4])
    print("{}")
