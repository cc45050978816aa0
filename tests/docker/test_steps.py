"""Steps in containers of a real engine: the same results as in process, and the same invariants under a kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.common.errors import MlopsError
from tests.docker.containers import containers, execute_in_thread, has_started
from tests.remote_steps.environment import RemoteStepEnvironment
from tests.remote_steps.steps import execute_task, predict_scores, run_metrics, task_process, training_task, wait_for


def test_the_same_seed_gives_the_same_model_and_the_same_figures_and_nothing_stays(
    world: RemoteStepEnvironment, docker: dict[str, Any], engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    how = {"seed": "7", "class_weight": {0: 1.0, 1: 2.0}, "model_params": {"shape": (1, 2)}}
    here, there = (
        execute_task(training_task(world.parts, "here", **how)),
        execute_task(training_task(world.parts, "there", runtime=docker, **how)),
    )
    assert run_metrics(world, there) == run_metrics(world, here)
    assert predict_scores(world, there) == predict_scores(world, here)
    tags = world.client.get_run(there["run_id"]).data.tags
    assert tags["mlops.runtime"].startswith(f"docker {docker['image']}")
    assert tags["mlops.key"] == "d/r/there/-1"
    assert "said by the model's own code" in caplog.text
    wait_for(lambda: containers(engine, "there") == [])


def test_no_secret_is_in_the_container_s_configuration_its_files_or_its_log_and_it_ends_with_its_task(
    world: RemoteStepEnvironment, docker: dict[str, Any], stuck: str, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_OF_THE_TEAM", "hush-1")
    secret = {"pass_environment": ["TOKEN_OF_THE_TEAM"], "environment": {"OTHER": "hush-2"}, "project": stuck}
    task = training_task(world.parts, "secret", runtime={**docker, **secret})
    with execute_in_thread(task) as told:
        try:
            wait_for(lambda: has_started(engine, "secret") or bool(told))
            [container] = containers(engine, "secret")
            seen = json.dumps(engine.inspect_container(container["Id"])) + engine.logs(container["Id"]).decode()
            look = "cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'"
            made = engine.exec_create(container["Id"], ["sh", "-c", look])
            seen += engine.exec_start(made["Id"]).decode()
        finally:
            task.on_kill()
    assert "airflow_mlops.execution.steps" in seen
    assert [word for word in ("hush", "TOKEN_OF_THE_TEAM", "store.db") if word in seen] == []
    assert isinstance(told[0], MlopsError)
    assert "was stopped before it finished" in str(told[0])
    wait_for(lambda: containers(engine, "secret") == [])


def test_the_container_of_a_worker_that_was_killed_ends_with_it(
    world: RemoteStepEnvironment, docker: dict[str, Any], stuck: str, engine: Any
) -> None:
    how = json.dumps({"runtime": {**docker, "project": stuck}})
    process = task_process(world.parts, "worker", how)
    try:
        wait_for(lambda: has_started(engine, "worker") or process.poll() is not None)
        assert process.poll() is None, process.communicate()[0][-3000:]
    finally:
        process.kill()
        process.wait()
    wait_for(lambda: containers(engine, "worker") == [])
    assert world.run_states() == []


def test_a_container_that_is_killed_fails_its_task_in_words(
    world: RemoteStepEnvironment, docker: dict[str, Any], stuck: str, engine: Any
) -> None:
    with execute_in_thread(training_task(world.parts, "killed", runtime={**docker, "project": stuck})) as told:
        wait_for(lambda: has_started(engine, "killed") or bool(told))
        engine.kill(containers(engine, "killed")[0]["Id"], "SIGKILL")
    assert "ended without a result" in str(told[0])
    assert "going on without end" in str(told[0])
    wait_for(lambda: containers(engine, "killed") == [])


def test_an_image_that_is_not_there_is_named(world: RemoteStepEnvironment, docker: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException, match="the image nobody/made:this is unavailable"):
        execute_task(training_task(world.parts, "imageless", runtime={**docker, "image": "nobody/made:this"}))


def test_an_engine_that_is_not_there_is_named(
    world: RemoteStepEnvironment, docker: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(MlopsError, match="engine cannot be reached"):
        execute_task(
            training_task(world.parts, "engineless", runtime={**docker, "engine": f"unix://{tmp_path}/none.sock"})
        )
