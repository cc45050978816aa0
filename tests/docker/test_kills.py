"""A search and a scoring that are ended in the middle, in a container: a retry goes on, and all of it is done once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from airflow_mlops.core.errors import MlopsError
from airflow_mlops.store import catalogue, score_sets
from airflow_mlops.store.predictions import PredictionLog
from tests.docker.containers import begun, containers, executing
from tests.elsewhere.held import MODULE, PATIENT, Held
from tests.elsewhere.models import MODEL, WEEK, kept, promote, runs, scored, trials, tuned, version, week
from tests.elsewhere.steps import do, figures, scores, wait_for
from tests.elsewhere.worlds import World

End = Callable[[Any, Any], None]


def kill(engine: Any, task: Any) -> None:
    """Kill the container, as ``docker kill`` does."""
    engine.kill(containers(engine, task.task_id)[0]["Id"], "SIGKILL")


def tell(engine: Any, task: Any) -> None:
    """End the task, as Airflow does."""
    task.on_kill()


@pytest.fixture(params=[(kill, "ended without an answer"), (tell, "told to end")], ids=["container", "task"])
def end(request: pytest.FixtureRequest) -> tuple[End, str]:
    """How a step is ended, and what its task then says."""
    found: tuple[End, str] = request.param
    return found


def ended(engine: Any, task: Any, end: tuple[End, str]) -> None:
    """Execute a task until its code is held, end it there, and see that it has failed and nothing goes on."""
    with executing(task) as told:
        try:
            wait_for(lambda: begun(engine, task.task_id) or bool(told))
        finally:
            end[0](engine, task)
    assert isinstance(told[0], MlopsError), told
    assert end[1] in str(told[0])
    wait_for(lambda: containers(engine, task.task_id) == [])


def test_a_search_that_is_ended_goes_on_after_the_trials_that_were_over(
    world: World, docker: dict[str, Any], held: Held, engine: Any, end: tuple[End, str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    here = do(tuned(world.parts, "here", build=f"{MODULE}:forest"))
    caplog.clear()
    task = tuned(world.parts, "there", build=f"{MODULE}:forest", runtime=docker)
    held.at(4)  # one build looks whether it can be built at all: this is the third trial
    ended(engine, task, end)
    assert runs(world, "there") in (["RUNNING"], ["FAILED"])
    held.let_go()
    there = do(task, 2)
    assert trials(world, there) == trials(world, here)
    assert figures(world, there) == figures(world, here)
    assert scores(world, there) == scores(world, here)
    assert runs(world, "there").count("FINISHED") == 1
    assert set(runs(world, "there")) <= {"FINISHED", "FAILED"}
    assert re.findall(r"trial (\d) of 0-3: ", caplog.text) == ["0", "1", "2", "3"]
    assert "2 of 4 trials are of an earlier attempt" in caplog.text
    wait_for(lambda: containers(engine, "there") == [])  # the engine removes it a moment after its end


def test_a_scoring_that_is_ended_publishes_nothing_and_then_each_row_once(
    world: World, docker: dict[str, Any], held: Held, engine: Any, end: tuple[End, str], table: PredictionLog,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    own = {"trusted_types": [PATIENT]}
    promote(world, version(world, "first", build=f"{MODULE}:scorer", **own))
    rows = week(world)
    here = do(scored(rows, "here", dataset="scores_here", **own))
    caplog.clear()
    to = {"conn_id": "company", "table": table.name, "dataset": "scores_there"}
    task = scored(rows, "there", runtime=docker, **to, **own)
    held.at(4)
    ended(engine, task, end)
    assert [one.dataset for one in score_sets.of_partition(world.database, MODEL, WEEK)] == ["scores_here"]
    assert catalogue.partitions(world.database, "scores_there") == []
    held.let_go()
    there = do(task, 2)
    pd.testing.assert_frame_equal(kept(world, there), kept(world, here), check_exact=True)
    assert re.findall(r"(\d) of 7 batches are there already", caplog.text)[0] in "23"
    (by,) = table.versions(MODEL, WEEK)
    assert table.count(by) == 320
    wait_for(lambda: containers(engine, "there") == [])  # the engine removes it a moment after its end
