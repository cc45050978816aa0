"""What steps give in containers of a real engine is what they give in process."""

from __future__ import annotations

from typing import Any

import pandas as pd

from airflow_mlops.core.scoring.prediction_log import PredictionLog
from tests.remote_steps.environment import RemoteStepEnvironment
from tests.remote_steps.models import (
    MODEL,
    WEEK,
    evaluation_task,
    promote,
    read_snapshot,
    read_trials,
    register_version,
    scoring_task,
    tuning_task,
    write_week,
)
from tests.remote_steps.steps import execute_task, make_rows, predict_scores, run_metrics


def judged(world: RemoteStepEnvironment, ref: dict[str, Any]) -> dict[str, Any]:
    """Return a report, but for what names it, and how long the models took."""
    from airflow_mlops.store import reports

    told = reports.get(world.database, ref["id"]).to_dict()
    for role in told["facts"]["roles"].values():
        del role["predict_ms_per_1000"]
    return {name: value for name, value in told.items() if name not in ("id", "created_at")}


def test_a_search_tries_the_same_and_finds_the_same(world: RemoteStepEnvironment, docker: dict[str, Any]) -> None:
    here, there = (
        execute_task(tuning_task(world.parts, "here")),
        execute_task(tuning_task(world.parts, "there", runtime=docker)),
    )
    assert read_trials(world, there) == read_trials(world, here)
    assert len(read_trials(world, here)) == 4
    assert run_metrics(world, there) == run_metrics(world, here)
    assert predict_scores(world, there) == predict_scores(world, here)


def test_an_evaluation_says_the_same_of_the_same_rows(world: RemoteStepEnvironment, docker: dict[str, Any]) -> None:
    promote(world, register_version(world, "first", seed=1))
    challenger = register_version(world, "second", seed=2, model_params={"trees": 20})
    here = judged(world, execute_task(evaluation_task(world.parts, "here", challenger)))
    there = judged(world, execute_task(evaluation_task(world.parts, "there", challenger, runtime=docker)))
    assert there == here
    assert set(here["facts"]["roles"]) == {"challenger", "champion"}


def test_each_row_gets_the_same_score_once_in_files_and_in_the_table(
    world: RemoteStepEnvironment, docker: dict[str, Any], table: PredictionLog
) -> None:
    promote(world, register_version(world, "first", seed=1))
    rows, to = write_week(world), {"conn_id": "company", "table": table.name}
    here = execute_task(scoring_task(rows, "here", dataset="scores_here"))
    there = execute_task(scoring_task(rows, "there", dataset="scores_there", runtime=docker, **to))
    pd.testing.assert_frame_equal(read_snapshot(world, there), read_snapshot(world, here), check_exact=True)
    assert read_snapshot(world, there)["id"].tolist() == make_rows(8, 320)["id"].tolist()
    (by,) = table.versions(MODEL, WEEK)
    logged = table.read(by, ["id", "score"]).sort_values("id", ignore_index=True)
    pd.testing.assert_frame_equal(logged, read_snapshot(world, there)[["id", "score"]], check_dtype=False)
