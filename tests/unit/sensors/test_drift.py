"""The drift sensor: it looks before it waits, and waits without a worker."""

from __future__ import annotations

import asyncio

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_mlops.sensors.drift import DriftSensor
from airflow_mlops.store import episodes, polling
from airflow_mlops.store.database import Database

REQUEST = {
    "id": "churn/1/1",
    "model": "churn",
    "episode": 1,
    "change_partition": "2026-05-04",
    "cutoff": "2026-05-18",
}


def ask(database: Database) -> int:
    episode = episodes.open_episode(database, model="churn", version=1, change_partition="2026-05-04", report=None)
    assert episode is not None
    assert episodes.request(database, episode.id, partition="2026-06-01", cutoff="2026-05-18")
    return episode.id


def test_a_request_that_is_there_already_is_given_at_once(watched: Database) -> None:
    ask(watched)
    assert DriftSensor(task_id="wait", model="churn").execute({}) == REQUEST


def test_without_a_request_it_defers_to_the_trigger_of_its_own_model(watched: Database) -> None:
    sensor = DriftSensor(task_id="wait", model="churn", poke_interval=7, timeout=100)
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    path, arguments = deferred.value.trigger.serialize()
    assert path == "airflow_mlops.triggers.store_wait.RetrainingRequestTrigger"
    assert arguments == {
        "model": "churn",
        "after": [0, 0],
        "store_conn_id": "mlops_store_default",
        "poll_seconds": 7,
    }
    assert deferred.value.timeout.total_seconds() == 100
    resumed = DriftSensor(task_id="wait", model="churn")  # a fresh instance: nothing may rest on the first one's state
    assert resumed.execute_complete({}, REQUEST) == REQUEST


def test_a_request_that_a_run_claims_before_the_trigger_has_looked_is_seen(watched: Database) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        DriftSensor(task_id="wait", model="churn").execute({})
    assert episodes.claim(watched, ask(watched), actor="churn_training/run")
    assert polling.find_matches(watched, deferred.value.trigger.condition()) == [REQUEST]


@pytest.mark.usefixtures("watched")
def test_in_a_worker_it_looks_again_and_again_until_its_time_is_over() -> None:
    from airflow.sdk.exceptions import AirflowSensorTimeout

    sensor = DriftSensor(task_id="wait", model="churn", deferrable=False, poke_interval=0.01, timeout=0.05)
    with pytest.raises(AirflowSensorTimeout):
        sensor.execute({})


def test_a_sensor_that_begins_in_the_trigger_waits_for_the_same(watched: Database) -> None:
    from airflow.sdk._shared.module_loading import import_string

    sensor = DriftSensor(task_id="wait", model="churn", start_from_trigger=True, timeout=100, poke_interval=3)
    begin = sensor.start_trigger_args
    assert sensor.start_from_trigger
    assert begin is not None
    assert (begin.next_method, begin.timeout.total_seconds()) == ("execute_complete", 100)
    trigger = import_string(begin.trigger_cls)(**begin.trigger_kwargs)
    assert isinstance(trigger, type(sensor.build_trigger()))
    assert trigger.condition() == sensor.build_trigger().condition()
    ask(watched)
    assert polling.find_matches(watched, trigger.condition()) == [REQUEST]


def test_a_person_who_ends_the_waiting_task_leaves_the_request_as_it_is(watched: Database) -> None:
    episode = ask(watched)
    sensor = DriftSensor(task_id="wait", model="churn")
    sensor.on_kill()
    asyncio.run(sensor.build_trigger().on_kill())
    current = episodes.current(watched, "churn")
    assert current is not None
    assert (current.id, current.state) == (episode, "requested")
