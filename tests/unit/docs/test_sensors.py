"""What the page on sensors shows is code that Airflow takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

PAGE = (Path(__file__).parents[3] / "docs" / "sensors.md").read_text(encoding="utf-8")


def code(name: str) -> dict[str, Any]:
    (found,) = re.findall(rf"```python {name}\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": "docs_sensors"}
    exec(compile(found, "docs/sensors.md", "exec"), names)
    return names


@pytest.mark.parametrize("name", ["sensors", "watchers", "notifiers"])
def test_the_code_makes_dags_that_can_be_serialized(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[DAG] = []
    real = DAG.__enter__
    monkeypatch.setattr(DAG, "__enter__", lambda dag: made.append(dag) or real(dag))
    code(name)
    assert made
    for dag in made:
        again = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        assert set(again.task_dict) == set(dag.task_dict)


def test_a_sensor_that_begins_in_the_trigger_is_serialized_with_how_to_begin() -> None:
    promoted = code("sensors")["promoted"]
    begin = promoted.start_trigger_args
    assert promoted.start_from_trigger
    assert begin.trigger_kwargs["other_than"] == "3"


def test_the_watchers_triggers_have_hashes_that_stay() -> None:
    from airflow.triggers.base import BaseEventTrigger

    for name in ("retraining_requested", "champion_changed"):
        (watcher,) = code("watchers")[name].watchers
        first, second = (BaseEventTrigger.hash(*watcher.trigger.serialize()) for _ in range(2))
        assert first == second
