"""Choosing what a training fits: checked where the DAG is written, and never nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.operators.candidates import ChooseCandidatesOperator

LINEAR, BOOSTED = "include.churn.model:linear", "include.churn.model:boosted"
SEARCH = {"build": BOOSTED, "space": {"depth": [2, 4]}, "trials": 2}


def choosing(**how: Any) -> ChooseCandidatesOperator:
    return ChooseCandidatesOperator(task_id="candidates", model="m", **{"candidates": [LINEAR, SEARCH], **how})


@pytest.mark.parametrize(
    ("how", "chosen"),
    [
        ({}, [{"build": LINEAR}, SEARCH]),
        ({"with_space": True}, [SEARCH]),
        ({"with_space": False}, [{"build": LINEAR}]),
        ({"start_from": "tuning"}, [SEARCH]),
        ({"start_from": "{{ requested }}"}, [SEARCH]),
        ({"start_from": "tuning", "with_space": False}, []),
    ],
)
def test_it_gives_what_the_training_is_mapped_over(
    how: dict[str, Any], chosen: list[dict[str, Any]], execute: Callable[..., Any]
) -> None:
    ended = execute(choosing(**how), requested="tuning")
    assert ended.error is None
    assert ended.result == chosen


def test_without_a_champion_it_warns_and_gives_the_candidates(
    execute: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    task = choosing(start_from="champion")
    task.__dict__["mlflow_hook"] = type("Hook", (), {"client": None})()
    ended = execute(task)
    assert ended.result == [{"build": LINEAR}, SEARCH]
    output = capsys.readouterr().out
    assert "Falling back from champion to the candidates: 'm' has no champion" in output
    assert "Starting from candidates: linear, boosted" in output


def test_a_start_that_there_is_not_fails_at_once(execute: Callable[..., Any]) -> None:
    assert "'scratch' is not a valid start_from" in str(execute(choosing(start_from="scratch")).error)


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ([], "a list with at least one"),
        ([LINEAR, {"candidate": "nameless"}], r"candidates\[1\]"),
        (
            [{"build": LINEAR, "modle_params": {}}],
            r"'modle_params' is not a parameter of TrainModelOperator.*\n.*\n.*'model_params'",
        ),
        ([{"build": LINEAR, "trials": 3}], "'trials' is not a parameter of TrainModelOperator"),
        ([{**SEARCH, "trails": 3}], r"'trails' is not a parameter of TuneModelOperator.*\n.*number 0.*\n.*'trials'\?"),
    ],
)
def test_a_mistake_in_the_candidates_is_told_where_the_dag_is_written(candidates: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        choosing(candidates=candidates)


def test_candidates_of_another_task_are_looked_at_when_they_are_there(execute: Callable[..., Any]) -> None:
    task = choosing(candidates="{{ found }}")
    task.candidates = ({"build": LINEAR, "depth": 3},)
    assert "'depth' is not a parameter of TrainModelOperator" in str(execute(task).error)
