"""What the page on task groups shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.task_groups import monitoring, scoring, training

PAGE = (Path(__file__).parents[3] / "docs" / "task-groups.md").read_text(encoding="utf-8")


def ran(name: str) -> dict[str, Any]:
    (code,) = re.findall(rf"```python {name}\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/task-groups.md", "exec"), names)
    return names


def test_the_dag_can_be_made_as_it_stands_there() -> None:
    names = ran("dag")
    assert "training.hold" not in names["dag"].task_ids
    assert names["dag"].get_task("scoring.score").upstream_task_ids == {"training.card", "loans"}


def test_the_watch_leaves_out_what_it_says() -> None:
    names = ran("watch")
    assert names["watch"].concept is None
    assert {"watch.drift", "watch.episode"} < set(names["dag"].task_ids)


def test_the_window_and_the_fleet_can_be_made() -> None:
    assert ran("window")["rows"].window == 12
    assert ran("fleet")["dag"].get_task("drift").is_mapped


@pytest.mark.parametrize(
    ("function", "module"),
    [("training_task_group", training), ("scoring_task_group", scoring), ("monitoring_task_group", monitoring)],
)
def test_the_optional_steps_are_those_of_the_function(function: str, module: Any) -> None:
    from inspect import signature

    (row,) = re.findall(rf"^\| `{function}` \| (.*?) \|", PAGE, flags=re.MULTILINE)
    taken = set(signature(getattr(module, function)).parameters)
    mentioned = set(re.findall(r"\w+", row))
    steps = {"validate", "leakage", "self_test", "evaluate", "gate", "card", "performance", "concept", "episode"}
    assert mentioned & steps == taken & steps


def test_the_outputs_on_the_page_are_those_of_the_groups() -> None:
    homes = {
        "training": training.TrainingOutputs,
        "scoring": scoring.ScoringOutputs,
        "watch": monitoring.MonitoringOutputs,
    }
    shown = re.findall(r"`(training|scoring|watch)\.(\w+)", PAGE)
    assert len(shown) >= 9
    for home, name in shown:
        assert name in homes[home].__dataclass_fields__, (home, name)
