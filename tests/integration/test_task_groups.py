"""The DAGs of task groups and of the fleet run: the second rung of the ladder, and all models at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.store import catalogue, ledger

WHEN = {"run_after": datetime(2026, 1, 5, tzinfo=UTC), "logical_date": None}


def test_titanic_in_groups_trains_promotes_and_scores_and_the_fleet_watches_it(
    run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    run = run_dag("titanic_in_groups", **WHEN)
    assert run.state == "success"
    assert run.tasks["training.train"] == ["success", "success"]
    assert run.xcom("training.gate")["decision"] == "promote_first"
    assert {task for task, state in run.states.items() if state == "skipped"} == {"training.reject"}
    assert ledger.head(lifecycle.database, "titanic_in_groups").version == 1
    scores = lifecycle.root.open(SnapshotRef.from_dict(run.xcom("scoring.score"))).to_pandas()
    assert len(scores) == run.xcom("ingest")["rows"]

    again = run_dag("titanic_in_groups", **WHEN)
    assert again.state == "success"
    assert (again.states["training.promote"], again.states["training.reject"]) == ("skipped", "success")
    assert again.states["training.card"] == again.states["scoring.score"] == "success", "the champion scores"

    # As if it were ingested each week: the fleet finds datasets by their names.
    watched = lifecycle.root.open(SnapshotRef.from_dict(again.xcom("ingest"))).to_pandas().drop(columns="Survived")
    ref = lifecycle.root.write("titanic_in_groups_features", [watched], partition="2099-01-05", source={})
    catalogue.record(lifecycle.database, ref)
    fleet = run_dag("model_monitoring", **WHEN)
    assert fleet.state == "success"
    assert [check["model"] for check in fleet.xcom("models")] == ["titanic_in_groups"]
    assert fleet.tasks["drift"] == ["success"]
    assert fleet.xcom("drift", map_index=0)["verdict"] == "pass"


def test_a_fleet_without_champions_has_nothing_to_watch(run_dag: Callable[..., Any], lifecycle: Any) -> None:
    run = run_dag("model_monitoring", **WHEN)
    assert run.state == "success"
    assert run.xcom("models") == []
    assert run.states == {"models": "success", "drift": "skipped"}
