"""The same seed gives the same model, byte for byte: by the runtime, and in process, in one image and beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.docker.containers import outcome
from tests.remote_steps.environment import RemoteStepEnvironment
from tests.remote_steps.steps import TASK, execute_task, predict_scores, run_metrics, training_task

TESTS = Path(__file__).resolve().parents[1]
SEED = "7"


def in_process(world: RemoteStepEnvironment, engine: Any, image: str, task_id: str) -> dict[str, Any]:
    """Execute a training in a container in which Airflow, the task and the step are one process; gives what it gave."""
    given = [json.dumps([world.parts, task_id]), json.dumps({"seed": SEED})]
    folders = (f"{world.folder}:{world.folder}:rw", f"{world.project}:{world.project}:ro", f"{TESTS}:/ours/tests:ro")
    variables = {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW_CONN_")}
    variables |= {"HOME": "/tmp", "AIRFLOW_HOME": "/tmp/airflow"}
    variables["PYTHONPATH"] = f"/opt/tested:/ours:{world.project}"
    made = engine.create_container(
        image,
        ["python", "-c", TASK, *given],
        environment=variables,
        user=f"{os.getuid()}:{os.getgid()}",
        host_config=engine.create_host_config(binds=list(folders), network_mode="none"),
    )["Id"]
    return dict(outcome(engine, made))


def files(world: RemoteStepEnvironment, ref: dict[str, Any]) -> dict[str, bytes]:
    """Return the files of a run's model; the version of the Python that it was made with is made unknown."""
    version = python_of(world, ref).encode()
    folder = Path(world.client.download_artifacts(ref["run_id"], ref["artifact"]))
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes().replace(version, b"3.x") for path in found}


def python_of(world: RemoteStepEnvironment, ref: dict[str, Any]) -> str:
    """Return the version of the Python that a run's model was made with."""
    return str(world.client.get_run(ref["run_id"]).data.tags["mlops.python"]).partition(" ")[0]


def test_one_image_gives_one_digest_and_in_another_python_only_its_version_makes_another(
    world: RemoteStepEnvironment, docker: dict[str, Any], image: str, engine: Any
) -> None:
    there = execute_task(training_task(world.parts, "there", seed=SEED, runtime=docker))
    inside = in_process(world, engine, image, "inside")
    here = execute_task(training_task(world.parts, "here", seed=SEED))
    tags = [world.client.get_run(ref["run_id"]).data.tags for ref in (there, inside, here)]
    assert [tag.get("mlops.runtime") for tag in tags] == [f"docker {image}", None, None]
    assert python_of(world, there) == python_of(world, inside)

    assert there["digest"] == inside["digest"]
    assert files(world, there) == files(world, here)
    assert (there["digest"] == here["digest"]) is (python_of(world, there) == python_of(world, here))
    assert run_metrics(world, there) == run_metrics(world, inside) == run_metrics(world, here)
    assert predict_scores(world, there) == predict_scores(world, inside) == predict_scores(world, here)
