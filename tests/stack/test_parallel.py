"""A data set in partitions on two workers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stack.machine import Stack
from tests.stack.parallel import run_partitions

pytestmark = pytest.mark.stack
PARTITIONS, ROWS = 8, 5_000


@pytest.fixture(scope="module")
def found(stack: Stack) -> dict[str, Any]:
    return run_partitions(stack, "spread", partitions=PARTITIONS, rows=ROWS)


def test_mapped_tasks_ran_on_both_workers(found: dict[str, Any], stack: Stack) -> None:
    assert set(found["workers"]) == {container[:12] for container in stack.containers("worker")}


def test_the_merged_profile_is_that_of_one_scan(found: dict[str, Any]) -> None:
    assert found["one_scan"] | {"seconds": 0} == {
        "rows": PARTITIONS * ROWS,
        "same": True,
        "verdict": "pass",
        "seconds": 0,
    }
