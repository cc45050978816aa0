"""Whatever is lost on the way to MLflow and back: after the next attempt a task has one live run and one version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.store.database import Database
from tests.faults.proxy import AFTER_COMMIT, BEFORE, Fault, FaultProxy
from tests.faults.task import CREATING, REPEATED, Task, check_lost_response


@pytest.fixture
def task(proxy: FaultProxy, tmp_path: Path) -> Callable[[str], Task]:
    database = Database(f"sqlite:///{tmp_path}/store.db")
    database.upgrade()
    return lambda name: Task(proxy, database, tmp_path, name.replace("/", "_"))


@pytest.mark.parametrize("fault", [*AFTER_COMMIT, *BEFORE])
@pytest.mark.parametrize("call", CREATING)
def test_a_lost_call_is_found_out_by_the_next_attempt(
    task: Any, proxy: FaultProxy, server: str, call: str, fault: Fault
) -> None:
    check_lost_response(task(f"{call}-{fault}"), proxy, server, call, fault)


@pytest.mark.parametrize("fault", [*AFTER_COMMIT, "refuse"])
def test_calls_that_may_be_repeated_are_and_the_attempt_goes_on(
    task: Any, proxy: FaultProxy, server: str, fault: Fault
) -> None:
    for call in REPEATED:
        proxy.plan(call, fault)
    made = task(f"repeated-{fault}")
    made.check(made.attempt(), server)
    assert all(plan.times == 0 for plan in proxy.plans)
