"""What steps give in containers of a real engine is what they give in process."""

from __future__ import annotations

from typing import Any

import pandas as pd

from airflow_mlops.store.predictions import PredictionLog
from tests.elsewhere.models import MODEL, WEEK, evaluated, kept, promote, scored, trials, tuned, version, week
from tests.elsewhere.steps import do, figures, people, scores
from tests.elsewhere.worlds import World


def judged(world: World, ref: dict[str, Any]) -> dict[str, Any]:
    """Give a report, but for what names it, and how long the models took."""
    from airflow_mlops.store import reports

    told = reports.get(world.database, ref["id"]).to_dict()
    for role in told["facts"]["roles"].values():
        del role["predict_ms_per_1000"]
    return {name: value for name, value in told.items() if name not in ("id", "created_at")}


def test_a_search_tries_the_same_and_finds_the_same(world: World, docker: dict[str, Any]) -> None:
    here, there = do(tuned(world.parts, "here")), do(tuned(world.parts, "there", runtime=docker))
    assert trials(world, there) == trials(world, here)
    assert len(trials(world, here)) == 4
    assert figures(world, there) == figures(world, here)
    assert scores(world, there) == scores(world, here)


def test_an_evaluation_says_the_same_of_the_same_rows(world: World, docker: dict[str, Any]) -> None:
    promote(world, version(world, "first", seed=1))
    challenger = version(world, "second", seed=2, model_params={"trees": 20})
    here = judged(world, do(evaluated(world.parts, "here", challenger)))
    there = judged(world, do(evaluated(world.parts, "there", challenger, runtime=docker)))
    assert there == here
    assert set(here["facts"]["roles"]) == {"challenger", "champion"}


def test_each_row_gets_the_same_score_once_in_files_and_in_the_table(
    world: World, docker: dict[str, Any], table: PredictionLog
) -> None:
    promote(world, version(world, "first", seed=1))
    rows, to = week(world), {"conn_id": "company", "table": table.name}
    here = do(scored(rows, "here", dataset="scores_here"))
    there = do(scored(rows, "there", dataset="scores_there", runtime=docker, **to))
    pd.testing.assert_frame_equal(kept(world, there), kept(world, here), check_exact=True)
    assert kept(world, there)["id"].tolist() == people(8, 320)["id"].tolist()
    (by,) = table.versions(MODEL, WEEK)
    logged = table.read(by, ["id", "score"]).sort_values("id", ignore_index=True)
    pd.testing.assert_frame_equal(logged, kept(world, there)[["id", "score"]], check_dtype=False)
