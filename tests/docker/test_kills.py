"""A search and a scoring that are ended in the middle, in a container: a retry goes on, and all of it is done once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from airflow_mlops.common.errors import MlopsError
from airflow_mlops.core.scoring.prediction_log import PredictionLog
from airflow_mlops.store import catalogue, score_sets
from tests.docker.containers import containers, execute_in_thread, has_started
from tests.remote_steps.blocking import BLOCKING_MODEL, MODULE, Blocker
from tests.remote_steps.environment import RemoteStepEnvironment
from tests.remote_steps.models import (
    MODEL,
    WEEK,
    promote,
    read_snapshot,
    read_trials,
    register_version,
    run_states,
    scoring_task,
    tuning_task,
    write_week,
)
from tests.remote_steps.steps import execute_task, predict_scores, run_metrics, wait_for

End = Callable[[Any, Any], None]


def kill(engine: Any, task: Any) -> None:
    """Kill the container, as ``docker kill`` does."""
    engine.kill(containers(engine, task.task_id)[0]["Id"], "SIGKILL")


def tell(engine: Any, task: Any) -> None:
    """End the task, as Airflow does."""
    task.on_kill()


@pytest.fixture(
    params=[(kill, "ended without a result"), (tell, "was stopped before it finished")], ids=["container", "task"]
)
def end(request: pytest.FixtureRequest) -> tuple[End, str]:
    """How a step is ended, and what its task then says."""
    found: tuple[End, str] = request.param
    return found


def ended(engine: Any, task: Any, end: tuple[End, str]) -> None:
    """Execute a task until its code is held, end it there, and see that it has failed and nothing goes on."""
    with execute_in_thread(task) as told:
        try:
            wait_for(lambda: has_started(engine, task.task_id) or bool(told))
        finally:
            end[0](engine, task)
    assert isinstance(told[0], MlopsError), told
    assert end[1] in str(told[0])
    wait_for(lambda: containers(engine, task.task_id) == [])


def test_a_search_that_is_ended_goes_on_after_the_trials_that_were_over(
    world: RemoteStepEnvironment, docker: dict[str, Any], held: Blocker, engine: Any, end: tuple[End, str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    here = execute_task(tuning_task(world.parts, "here", build=f"{MODULE}:forest"))
    caplog.clear()
    task = tuning_task(world.parts, "there", build=f"{MODULE}:forest", runtime=docker)
    held.block_at_call(4)  # one build looks whether it can be built at all: this is the third trial
    ended(engine, task, end)
    assert run_states(world, "there") in (["RUNNING"], ["FAILED"])
    held.release()
    there = execute_task(task, 2)
    assert read_trials(world, there) == read_trials(world, here)
    assert run_metrics(world, there) == run_metrics(world, here)
    assert predict_scores(world, there) == predict_scores(world, here)
    assert run_states(world, "there").count("FINISHED") == 1
    assert set(run_states(world, "there")) <= {"FINISHED", "FAILED"}
    assert re.findall(r"trial (\d) of 0-3: ", caplog.text) == ["0", "1", "2", "3"]
    assert "reusing 2 of 4 trials of an earlier attempt" in caplog.text
    wait_for(lambda: containers(engine, "there") == [])  # the engine removes it a moment after its end


def test_a_scoring_that_is_ended_publishes_nothing_and_then_each_row_once(
    world: RemoteStepEnvironment, docker: dict[str, Any], held: Blocker, engine: Any, end: tuple[End, str],
    table: PredictionLog, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    own = {"trusted_types": [BLOCKING_MODEL]}
    promote(world, register_version(world, "first", build=f"{MODULE}:scorer", **own))
    rows = write_week(world)
    here = execute_task(scoring_task(rows, "here", dataset="scores_here", **own))
    caplog.clear()
    to = {"conn_id": "company", "table": table.name, "dataset": "scores_there"}
    task = scoring_task(rows, "there", runtime=docker, **to, **own)
    held.block_at_call(4)
    ended(engine, task, end)
    assert [one.dataset for one in score_sets.of_partition(world.database, MODEL, WEEK)] == ["scores_here"]
    assert catalogue.partitions(world.database, "scores_there") == []
    held.release()
    there = execute_task(task, 2)
    pd.testing.assert_frame_equal(read_snapshot(world, there), read_snapshot(world, here), check_exact=True)
    assert re.findall(r"reusing (\d) of 7 batches", caplog.text)[0] in "23"
    (by,) = table.versions(MODEL, WEEK)
    assert table.count(by) == 320
    wait_for(lambda: containers(engine, "there") == [])  # the engine removes it a moment after its end
