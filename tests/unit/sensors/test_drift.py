"""The drift sensor: it looks before it waits, and waits without a worker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_mlops.hooks.store import connection_value
from airflow_mlops.sensors.drift import DriftSensor
from airflow_mlops.store import episodes
from airflow_mlops.store.database import Database


@pytest.fixture
def watched(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    values = connection_value(database.url.render_as_string(hide_password=False), tmp_path.as_uri())
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", json.dumps(values))
    return database


def test_a_request_that_is_there_already_is_given_at_once(watched: Database) -> None:
    episode = episodes.open_one(watched, model="churn", version=1, change_partition="2026-05-04", report=None)
    assert episode is not None
    episodes.request(watched, episode.id, partition="2026-06-01", cutoff="2026-05-18")
    given = DriftSensor(task_id="wait", model="churn").execute({})
    assert given == {"model": "churn", "episode": 1, "cutoff": "2026-05-18"}


def test_without_a_request_it_defers_to_the_trigger_of_its_own_model(watched: Database) -> None:
    sensor = DriftSensor(task_id="wait", model="churn", poke_interval=7, timeout=100)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    path, arguments = deferred.value.trigger.serialize()
    assert path.endswith("DriftTrigger")
    assert arguments == {"models": ["churn"], "store_conn_id": "mlops_store_default", "poll_seconds": 7}
    assert deferred.value.timeout.total_seconds() == 100
    resumed = DriftSensor(task_id="wait", model="churn")  # a fresh instance: nothing may rest on the first one's state
    assert resumed.execute_complete({}, {"model": "churn", "episode": 3}) == {"model": "churn", "episode": 3}
