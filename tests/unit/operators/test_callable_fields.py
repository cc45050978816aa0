from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.operators.callable_fields import CallableField
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.self_test import SelfTestModelOperator
from airflow_mlops.operators.train import TrainModelOperator


def logistic(seed: int = 0) -> LogisticRegression:
    return LogisticRegression(random_state=seed)


def training(function: Callable[..., Any]) -> Any:
    return TrainModelOperator(task_id="t", build=function, train="a@b", validation="a@b", target="y"), "build"


def reading(function: Callable[..., Any]) -> Any:
    return IngestDatasetOperator(task_id="t", dataset="d", rows=function), "rows"


def transforming(function: Callable[..., Any]) -> Any:
    return IngestDatasetOperator(task_id="t", dataset="d", path="x.csv", transform=function), "transform"


def self_testing(function: Callable[..., Any]) -> Any:
    return SelfTestModelOperator(task_id="t", version={}, rows="a@b", target="y", build=function), "build"


@pytest.mark.parametrize("made", [training, reading, transforming, self_testing])
@pytest.mark.parametrize("function", [logistic, partial(logistic, seed=1)])
def test_a_function_is_not_called_when_the_fields_are_rendered(made: Any, function: Callable[..., Any]) -> None:
    task, field = made(function)
    task.render_template_fields({})
    assert CallableField.unwrap(getattr(task, field)) is function


def test_its_name_has_no_address_in_memory() -> None:
    assert str(CallableField.wrap(logistic)) == f"{__name__}:logistic"


def test_an_import_path_and_nothing_stay_what_they_are() -> None:
    assert CallableField.unwrap(CallableField.wrap("a.module:function")) == "a.module:function"
    assert CallableField.unwrap(CallableField.wrap(None)) is None
