"""The sensor for a new champion: what is new is what its parameters say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_mlops.sensors.model_version import ModelVersionSensor
from airflow_mlops.store import ledger
from airflow_mlops.store.database import Database


def crown(database: Database, version: int) -> ledger.LedgerEntry:
    head = ledger.head(database, "churn")
    return ledger.append(
        database,
        model="churn",
        expected_revision=None if head is None else head.revision,
        version=version,
        digest="d",
        gate_report=None,
        approver=None,
        reason="",
        actor="test",
    )


def run(began: datetime | None = None, **parameters: Any) -> Any:
    sensor = ModelVersionSensor(task_id="wait", model="churn", **parameters)
    context: Any = {"dag_run": SimpleNamespace(start_date=began)}
    sensor.render_template_fields(context)
    return sensor.execute(context)


def test_a_champion_from_before_the_run_is_none_and_one_since_it_began_is(watched: Database) -> None:
    recorded = crown(watched, 1).recorded_at
    with pytest.raises(TaskDeferred) as deferred:
        run(recorded + timedelta(minutes=1))
    assert deferred.value.trigger.serialize()[1]["since"] == str(recorded + timedelta(minutes=1))
    found = run(recorded - timedelta(minutes=1))
    assert (found["version"], found["revision"], found["action"]) == (1, 1, "promote")


@pytest.mark.parametrize(
    ("parameters", "new"),
    [
        ({"after_revision": 0}, True),
        ({"after_revision": "2"}, False),
        ({"other_than": "{{ 1 + 1 }}"}, False),
        ({"other_than": 1}, True),
        ({"since": "2020-01-01"}, True),
        ({"since": "2999-01-01T10:00"}, False),
        ({"after_revision": 1, "other_than": 2}, False),
        ({"after_revision": "None", "other_than": 1}, True),  # what a template makes of nothing
    ],
)
def test_new_is_what_the_parameters_say(watched: Database, parameters: dict[str, Any], new: bool) -> None:
    crown(watched, 1)
    crown(watched, 2)
    if new:
        assert run(datetime.now(UTC), **parameters)["version"] == 2
    else:
        with pytest.raises(TaskDeferred):
            run(datetime.now(UTC), **parameters)


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("parameters", [{"since": "soon"}, {"after_revision": "first"}])
def test_a_parameter_that_cannot_be_read_fails_at_once_and_is_not_tried_again(parameters: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException, match="wait has an invalid parameter"):
        run(datetime.now(UTC), **parameters)


def test_begun_in_the_trigger_the_run_s_beginning_is_rendered_there() -> None:
    sensor = ModelVersionSensor(task_id="wait", model="churn", start_from_trigger=True)
    assert sensor.start_trigger_args is not None
    arguments = sensor.start_trigger_args.trigger_kwargs
    assert arguments["since"] == "{{ dag_run.start_date }}"
    assert set(arguments) & set(sensor.template_fields) == set(sensor.template_fields)
