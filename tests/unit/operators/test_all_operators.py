"""What every operator promises: its data parameters are templated, it can be mapped, and bad input does not retry."""

from __future__ import annotations

import importlib
import inspect
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

import airflow_mlops.operators
from airflow_mlops.common.errors import BadInput, Conflict, NotFound, Refused, Superseded
from airflow_mlops.common.report import Check, Report
from airflow_mlops.operators.base import LifecycleOperator, ReportingOperator
from airflow_mlops.store import attempts
from airflow_mlops.store.database import Database

FOLDER = Path(airflow_mlops.operators.__file__).parent
# What says how a step behaves rather than on what: fixed when the DAG is written.
BEHAVIOUR = {"when_failed", "allow_backfill", "allow_older", "store_conn_id", "mlflow_conn_id", "kwargs", "self"}


def operators() -> list[type[LifecycleOperator]]:
    found = []
    for file in sorted(FOLDER.glob("*.py")):
        module = importlib.import_module(f"airflow_mlops.operators.{file.stem}")
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, LifecycleOperator) and value.__module__ == module.__name__:
                found.append(value)
    return [c for c in found if c not in (LifecycleOperator, ReportingOperator)]


ALL = operators()


def test_the_list_of_operators_is_not_empty() -> None:
    assert len(ALL) >= 19


@pytest.mark.parametrize("operator", ALL, ids=lambda c: c.__name__)
def test_every_data_parameter_is_templated(operator: type[LifecycleOperator]) -> None:
    parameters = set(inspect.signature(operator.__init__).parameters) - BEHAVIOUR
    assert parameters == set(operator.template_fields)


@pytest.mark.parametrize("operator", ALL, ids=lambda c: c.__name__)
def test_every_parameter_is_explained_in_the_docstring(operator: type[LifecycleOperator]) -> None:
    parameters = set(inspect.signature(operator.__init__).parameters) - {"self", "kwargs"}
    inherited = {"store_conn_id", "mlflow_conn_id"}
    missing = [p for p in parameters - inherited if f":param {p}:" not in (operator.__doc__ or "")]
    assert missing == []


def example(operator: type[LifecycleOperator]) -> dict[str, Any]:
    """Give values for the parameters that have no default."""
    parameters = inspect.signature(operator.__init__).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind is p.KEYWORD_ONLY]
    return {p.name: {"kind": "snapshot"} for p in needed}


@pytest.mark.parametrize("operator", ALL, ids=lambda c: c.__name__)
def test_every_operator_can_be_made_without_a_connection_or_a_heavy_import(operator: type[LifecycleOperator]) -> None:
    made = operator(task_id="t", **example(operator))
    assert set(operator.template_fields) <= set(vars(made)) | set(dir(made))


@pytest.mark.parametrize("operator", ALL, ids=lambda c: c.__name__)
def test_every_operator_can_be_mapped(operator: type[LifecycleOperator]) -> None:
    values = example(operator)
    name = next(iter(values), operator.template_fields[0])
    rest = {k: v for k, v in values.items() if k != name}
    with DAG("d"):
        mapped = operator.partial(task_id="t", **rest).expand(**{name: [1, 2]})
    assert mapped.operator_class is operator


class Step(LifecycleOperator):
    error: Exception

    def step(self, context: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    "error", [BadInput("x"), NotFound("x"), Refused("x"), Superseded("x")], ids=lambda e: type(e).__name__
)
def test_what_a_retry_cannot_hint_fails_at_once(error: Exception, execute: Callable[..., Any]) -> None:
    task = Step(task_id="t")
    task.error = error
    assert type(execute(task).error) is AirflowFailException


def test_what_a_retry_may_hint_is_left_to_airflow_s_retries(execute: Callable[..., Any]) -> None:
    task = Step(task_id="t")
    task.error = Conflict("somebody else was first")
    assert execute(task).error is task.error


class Overtaken(ReportingOperator):
    """Publishes, is overtaken by its own retry, and publishes again."""

    overtake: Callable[[], Any]

    def step(self, context: Any) -> Any:
        self.publish(Report.from_checks("drift", "before", [Check("c", "pass")]), context)
        self.overtake()
        self.publish(Report.from_checks("drift", "after", [Check("c", "pass")]), context)


def test_a_superseded_attempt_publishes_no_more_and_fails_without_a_retry(
    execute: Callable[..., Any], database: Database
) -> None:
    zombie = Overtaken(task_id="t")
    zombie.overtake = lambda: attempts.begin(Database(database.url), "d/r/t/-1", try_number=2)
    ended = execute(zombie)
    assert type(ended.error) is AirflowFailException
    assert "a later attempt of this task has taken over, try 2, begun at" in str(ended.error)
    assert [r.subject for r in ended.published] == ["before"]


def test_an_attempt_that_wakes_up_late_does_no_work(database: Database) -> None:
    first, later = (str(uuid.UUID(int=n)) for n in (1, 2))
    attempts.begin(database, "d/r/t/-1", try_number=2, try_id=later)
    task = Step(task_id="t")
    task.error = AssertionError("it has run")
    task.__dict__["store"] = SimpleNamespace(database=database)
    ti = SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1, try_number=1, id=uuid.UUID(first))
    with pytest.raises(AirflowFailException, match="taken over, try 2"):
        task.execute({"ti": ti})  # type: ignore[typeddict-item]
