"""The sensor for labels gives them as a reference, once they are enough."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.sensors.labels import LabelSensor
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database


def test_too_few_labels_are_waited_for_and_enough_are_given(watched: Database) -> None:
    few = SnapshotRef("labels", "a", "file:///a", 90, "2026-05-04")
    catalogue.record(watched, few)
    sensor = LabelSensor(task_id="wait", dataset="labels", partition="2026-05-04", min_rows="100")
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    assert deferred.value.trigger.serialize()[1]["min_rows"] == "100"
    enough = SnapshotRef("labels", "b", "file:///b", 100, "2026-05-04")
    catalogue.record(watched, enough)
    assert SnapshotRef.from_dict(sensor.execute({})) == enough


@pytest.mark.usefixtures("watched")
def test_labels_of_another_partition_are_none() -> None:
    with pytest.raises(TaskDeferred):
        LabelSensor(task_id="wait", dataset="labels", partition="2026-05-11").execute({})
