"""Code, rows and tasks of remote steps, without a dependency on pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from tests.remote_steps.environment import RemoteStepEnvironment

REPO = Path(__file__).resolve().parents[2]
CODE = """
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def forest(seed=0, trees=5, shape=(1, 2)):
    assert isinstance(shape, tuple), shape
    print("said by the model's own code")
    return make_pipeline(StandardScaler(), RandomForestClassifier(trees, random_state=seed, n_jobs=1))
"""
BLOCKING_MLFLOW = """
import os, time

print("begun and going on without end, as", os.getpid(), flush=True)
while True:
    time.sleep(0.05)
"""
TASK = """
import json, sys
from tests.remote_steps.steps import execute_task, training_task
print(json.dumps(execute_task(training_task(*json.loads(sys.argv[1]), **json.loads(sys.argv[2])))))
"""
FEATURES = ["x", "z"]


def make_rows(seed: int, rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.arange(rows) + 10_000 * seed})
    frame = frame.assign(x=rng.normal(size=rows), z=rng.normal(size=rows))
    return frame.assign(y=(rng.random(rows) < 1 / (1 + np.exp(-2 * frame["x"]))).astype(int))


def execute_task(task: Any, try_number: int = 1) -> Any:
    """Execute a task as Airflow does, and give what it gave."""
    ti = SimpleNamespace(
        dag_id="d", run_id="r", task_id=task.task_id, map_index=-1, task=task, try_number=try_number,
        xcom_push=lambda key, value: None,
    )  # fmt: skip
    task.render_template_fields({})
    return task.execute({"ti": ti})


def training_task(parts: dict[str, Any], task_id: str, **how: Any) -> Any:
    """Return a training task."""
    from airflow_mlops.operators.train import TrainModelOperator

    rows = {name: parts[name] for name in ("train", "validation")}
    common = {"build": "team.model:forest", "target": "y", "features": FEATURES, "experiment": "e", **rows}
    return TrainModelOperator(task_id=task_id, **{**common, **how})


def run_metrics(world: RemoteStepEnvironment, ref: dict[str, Any]) -> dict[str, Any]:
    """Return a run's parameters and metrics, without time and memory."""
    data = world.client.get_run(ref["run_id"]).data
    measured = ("train_seconds", "train_memory_mb", "tuning_seconds", "bytes")
    return {**{k: v for k, v in data.metrics.items() if k not in measured}, **data.params}


def predict_scores(world: RemoteStepEnvironment, ref: dict[str, Any]) -> list[float]:
    """Return the predictions of a run's model on new rows."""
    from airflow_mlops.core.models.loading import LoadingOptions

    folder = world.client.download_artifacts(ref["run_id"], ref["artifact"])
    model = LoadingOptions(in_process=True).load(folder, ref["digest"])
    return [float(p) for p in model.predict_proba(make_rows(9)[FEATURES])[:, 1]]


def task_process(parts: dict[str, Any], task_id: str, how: str) -> subprocess.Popen[bytes]:
    """Start a training task in a process of its own, to be killed."""
    import json

    path = os.pathsep.join([str(REPO), str(REPO / "provider")])
    return subprocess.Popen(
        [sys.executable, "-c", TASK, json.dumps([parts, task_id]), how],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_for(what: Callable[[], bool], *, seconds: float = 300) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.1)
