"""A worker that itself runs in a container, as the stack's do: its steps' containers get volumes by name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.deployment.image import pack_tar
from airflow_mlops.hooks.store import connection_dict
from tests.docker.containers import containers, outcome
from tests.remote_steps.steps import CODE, wait_for

TESTS = Path(__file__).resolve().parents[1]
SOCKET = "/var/run/docker.sock"
NAME = f"mlops-test-volume-{os.getpid()}"
WORKER = """
import json, sys
from mlflow import MlflowClient
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.store.database import Database
from tests.remote_steps.steps import execute_task, make_rows, training_task

Database("sqlite:////data/store.db").upgrade()
root = SnapshotRoot("file:///data/snapshots")
parts = {name: root.write(name, make_rows(seed)).to_dict() for seed, name in enumerate(("train", "validation"))}
here = execute_task(training_task(parts, "here", seed=7))
there = execute_task(training_task(parts, "there", seed=7, runtime=json.loads(sys.argv[1])))
runs = MlflowClient("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db")
tags = runs.get_run(there["run_id"]).data.tags
print(json.dumps([here["digest"], there["digest"], tags.get("mlops.runtime")]))
"""


@pytest.fixture
def volumes(engine: Any) -> Iterator[dict[str, str]]:
    """Two volumes: for what is kept, and for the project; return the name of each."""
    made = {part: f"{NAME}-{part}" for part in ("data", "project")}
    for name in made.values():
        engine.create_volume(name)
    yield made
    for name in made.values():
        engine.remove_volume(name, force=True)


def test_a_worker_in_a_container_trains_in_another_and_both_make_the_same_model(
    engine: Any, image: str, volumes: dict[str, str], migrated_mlflow: Path
) -> None:
    if os.environ.get("DOCKER_HOST") or not Path(SOCKET).is_socket():
        pytest.skip(f"the engine is not reached by {SOCKET}")
    mounts = (f"{volumes['data']}:/data", f"{volumes['project']}:/project:ro")
    runtime = {"kind": "docker", "image": image, "mounts": mounts, "project": "/project", "network": "none"}
    at = {"tracking_uri": "sqlite:////data/mlflow.db", "artifact_location": "file:///data/artifacts"}
    store = connection_dict("sqlite:////data/store.db", "file:///data/snapshots")
    variables = {
        "AIRFLOW_CONN_MLOPS_STORE_DEFAULT": json.dumps(store),
        "AIRFLOW_CONN_MLFLOW_DEFAULT": json.dumps({"conn_type": "mlflow", "extra": at}),
        "AIRFLOW_HOME": "/tmp/airflow",
        "PYTHONPATH": "/opt/tested:/ours:/project",
    }
    binds = [f"{volumes['data']}:/data", f"{volumes['project']}:/project", f"{SOCKET}:{SOCKET}"]
    worker = engine.create_container(
        image,
        ["python", "-c", WORKER, json.dumps(runtime)],
        environment=variables,
        host_config=engine.create_host_config(binds=[*binds, f"{TESTS}:/ours/tests:ro"], network_mode="none"),
    )["Id"]
    engine.put_archive(worker, "/project", pack_tar({"team/model.py": CODE.encode()}))
    engine.put_archive(worker, "/data", pack_tar({"mlflow.db": migrated_mlflow.read_bytes()}))
    here, there, tag = outcome(engine, worker)
    assert here == there
    assert tag == f"docker {image}"
    wait_for(lambda: containers(engine, "there") == [])  # the engine removes it a moment after its end
