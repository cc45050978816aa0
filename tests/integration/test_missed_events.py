"""A request whose event was lost, or came to a DAG that was paused, is found by the next run of any kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.operators.plan import PlanTrainingOperator
from airflow_mlops.store import catalogue, episodes
from airflow_mlops.store.database import Database


@pytest.fixture
def store(tmp_path: Any) -> Database:
    """Labels of some weeks, and a request that nobody was told of."""
    made = Database(f"sqlite:///{tmp_path}/stranded.db")
    made.upgrade()
    for week in ("2026-05-04", "2026-05-11", "2026-05-18"):
        catalogue.record(made, SnapshotRef("labels", week, "file:///x", 500, week))
    episode = episodes.open_episode(made, model="churn", version=1, change_partition="2026-05-11", report=None)
    assert episode is not None
    assert episodes.request(made, episode.id, partition="2026-06-01", cutoff="2026-05-18")
    return made


@pytest.fixture
def plan(store: Database) -> Callable[..., Any]:
    """Plan a training run that came in through a door."""

    def planning(kind: str, run: str) -> Any:
        task = PlanTrainingOperator(task_id="plan", model="churn", labels="labels", label_delay=timedelta(days=14))
        task.__dict__["store"] = SimpleNamespace(database=store)
        context: Any = {
            "ti": SimpleNamespace(dag_id="training", run_id=run, task_id="plan", map_index=-1),
            "dag_run": SimpleNamespace(run_type=kind),
            "data_interval_end": datetime(2026, 7, 1, tzinfo=UTC),
        }
        return task.execute(context)

    return planning


@pytest.mark.parametrize("door", ["scheduled", "asset_triggered", "manual", "operator_triggered"])
def test_whichever_door_a_run_comes_through_it_takes_the_request_that_waits(
    plan: Callable[..., Any], store: Database, door: str
) -> None:
    planned = plan(door, "first")
    assert (planned["cause"], planned["cutoff"]) == ("drift", "2026-05-18")
    current = episodes.current(store, "churn")
    assert current is not None
    assert (current.state, current.claimed_by) == ("retraining", "training/first")


def test_the_event_that_comes_after_all_starts_nothing_more(plan: Callable[..., Any]) -> None:
    assert plan("scheduled", "first")["cause"] == "drift"
    for late in range(3):
        with pytest.raises(AirflowSkipException):
            plan("asset_triggered", f"late {late}")


def test_a_backfill_leaves_the_request_to_others(plan: Callable[..., Any]) -> None:
    assert plan("backfill", "past")["cause"] == "backfill"
    assert plan("scheduled", "first")["cause"] == "drift"


def test_the_churn_training_dag_has_all_doors() -> None:
    from airflow.sdk import AssetOrTimeSchedule

    from dags.churn_training import plan

    dag = plan.dag
    timetable = dag.timetable
    assert isinstance(timetable, AssetOrTimeSchedule)
    assert timetable.can_be_scheduled
    assert "cutoff" in dag.params
