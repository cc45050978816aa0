"""A small task that makes a run and a version, and the promise that is compared with what is left of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import ViewType

from airflow_mlops.common.refs import ModelVersionRef, RunRef
from airflow_mlops.core.models import artifact
from airflow_mlops.core.registry.registration import register
from airflow_mlops.core.tracking import Access, TrackingUnavailable, connect
from airflow_mlops.core.training import runs
from airflow_mlops.store.database import Database
from tests.faults.proxy import Fault, FaultProxy

CREATING = ("experiments/create", "runs/create", "registered-models/create", "model-versions/create")
REPEATED = ("experiments/get-by-name", "runs/log-batch", "runs/update", "runs/get", "mlflow-artifacts/artifacts")


class Task:
    """A task that trains and registers, with an experiment and a model of its own; each attempt has a new client.

    :param proxy: what its attempts take for the server.
    :param database: the lifecycle store.
    :param folder: where it may write.
    :param name: of the experiment and the model.
    """

    def __init__(self, proxy: FaultProxy, database: Database, folder: Path, name: str) -> None:
        self.proxy, self.database, self.name = proxy, database, name
        self.folder = folder / name
        self.folder.mkdir()
        (self.folder / artifact.MODEL_FILE).write_bytes(name.encode())
        self.digest = artifact.digest_of(self.folder)

    def attempt(self) -> ModelVersionRef:
        """Do all of it, or find it done."""
        client = connect(Access(self.proxy.url, connect_seconds=5, read_seconds=0.6, overall_seconds=10))
        return register(
            client,
            self.database,
            model=self.name,
            run=self.train(client),
            data={},
            baseline={"b": 1},
            contract=None,
            cutoff=None,
            key=f"dag/{self.name}/register/-1",
        )

    def train(self, client: Any) -> RunRef:
        """Do the half that makes the run."""
        key = f"dag/{self.name}/train/-1"
        with runs.claim_run(client, self.database, key=key, experiment=self.name, name="c") as run:
            if run.finished is not None:
                return run.finished
            client.log_artifacts(run.id, str(self.folder), "model")
            run.log(params={"p": 1}, metrics={"m": 0.5})
            return run.finish(RunRef(run.id, "c", "model", self.digest, "roc_auc", 0.5))

    def check(self, ref: ModelVersionRef, server: str) -> None:
        """Check the promise, by asking the server itself."""
        client = connect(Access(server))
        experiment = client.get_experiment_by_name(self.name).experiment_id
        every = client.search_runs([experiment], run_view_type=ViewType.ALL)
        live = [r.info.run_id for r in every if r.info.lifecycle_stage == "active"]
        assert "RUNNING" not in [r.info.status for r in every]
        assert live == [ref.run_id]
        assert client.get_run(ref.run_id).info.status == "FINISHED"
        made = client.search_model_versions(f"name = '{self.name}'")
        assert [(int(v.version), v.tags["mlops.digest"]) for v in made] == [(ref.version, self.digest)]


def check_lost_response(task: Task, proxy: FaultProxy, server: str, call: str, fault: Fault) -> None:
    """Lose a creating call of the first attempt, and see what the second one makes of it."""
    before = proxy.calls(call)
    proxy.plan(call, fault)
    with pytest.raises(TrackingUnavailable, match="the next attempt checks"):
        task.attempt()
    assert proxy.calls(call) == before + 1  # sent once, never repeated blindly
    ref = task.attempt()
    task.check(ref, server)
    assert task.attempt() == ref
