"""Waiting ends with the answer, at its deadline, or when Airflow stays unhealthy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from include.demo import waiting
from include.demo.rest import RestClient
from include.demo.waiting import DemoTimeoutError, UnhealthyError, unhealthy
from tests.unit.include.demo.fakes import FakeAirflow, page

HEALTHY = {name: {"status": "healthy"} for name in waiting.COMPONENTS}


def test_waiting_returns_the_first_true_answer(client: RestClient) -> None:
    answers = iter([None, [], "there"])
    assert client.wait_until(lambda: next(answers), 60, "it") == "there"


def test_waiting_in_vain_names_what_for_and_lists_the_runs(client: RestClient, script: FakeAirflow) -> None:
    failed = {"dag_id": "d", "dag_run_id": "bad", "state": "failed"}
    script.set_responses("GET", "/api/v2/dags/~/dagRuns", page("dag_runs", failed))
    with pytest.raises(DemoTimeoutError) as caught:
        client.wait_until(lambda: False, 0, "the moon")
    assert "waiting for the moon" in str(caught.value)
    assert "d bad (failed)" in str(caught.value)


@pytest.fixture
def always_looking(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def patience(seconds: float) -> None:
        monkeypatch.setattr(waiting, "HEALTH_SECONDS", 0.0)
        monkeypatch.setattr(waiting, "UNHEALTHY_SECONDS", seconds)

    return patience


def test_a_component_that_stays_unhealthy_ends_the_waiting(
    client: RestClient, script: FakeAirflow, always_looking: Callable[[float], None]
) -> None:
    always_looking(0.0)
    script.set_responses("GET", "/api/v2/monitor/health", (200, {**HEALTHY, "scheduler": {"status": "unhealthy"}}))
    with pytest.raises(UnhealthyError, match="scheduler of Airflow stopped working while waiting for it"):
        client.wait_until(lambda: False, 60, "it")


def test_a_missed_heartbeat_is_forgiven(
    client: RestClient, script: FakeAirflow, always_looking: Callable[[float], None]
) -> None:
    always_looking(3600.0)
    script.set_responses("GET", "/api/v2/monitor/health", (200, {**HEALTHY, "scheduler": {"status": "unhealthy"}}))
    answers = iter([None] * 5 + ["there"])
    assert client.wait_until(lambda: next(answers), 60, "it") == "there"


def test_a_component_without_an_entry_counts_as_unhealthy() -> None:
    assert unhealthy(HEALTHY) == []
    assert unhealthy({**HEALTHY, "dag_processor": None}) == ["dag_processor"]
    assert unhealthy({}) == list(waiting.COMPONENTS)
