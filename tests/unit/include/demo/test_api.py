"""Requests are repeated where that may help, and nowhere else; what is refused is an error in words."""

from __future__ import annotations

import pytest

from include.demo.api import RestError
from include.demo.rest import RestClient
from tests.unit.include.demo.fakes import RUN, RUNS, FakeAirflow, FakeResponse


def test_a_get_is_repeated_after_server_errors(client: RestClient, script: FakeAirflow) -> None:
    script.set_responses("GET", f"{RUNS}/r", (500, {}), (503, {}), (200, RUN))
    assert client.run("d", "r") == RUN
    assert script.count_requests("GET", f"{RUNS}/r") == 3


def test_repeating_ends(client: RestClient, script: FakeAirflow) -> None:
    script.set_responses("GET", f"{RUNS}/r", (500, {"detail": "database is locked"}))
    with pytest.raises(RestError, match="database is locked") as caught:
        client.run("d", "r")
    assert caught.value.status == 500
    assert script.count_requests("GET", f"{RUNS}/r") == 4


def test_a_refused_request_is_not_repeated(client: RestClient, script: FakeAirflow) -> None:
    script.set_responses("POST", RUNS, (400, {"detail": "bad key"}))
    with pytest.raises(RestError, match="bad key"):
        client.trigger("d", "r")
    assert script.count_requests("POST", RUNS) == 1


def test_an_expired_token_is_renewed(client: RestClient, script: FakeAirflow) -> None:
    script.set_responses("GET", f"{RUNS}/r", (200, RUN))
    client.run("d", "r")
    script.valid = "something else"
    assert client.run("d", "r") == RUN
    assert script.tokens == 2


def test_a_wrong_password_is_an_error_at_once(base_url: str, script: FakeAirflow) -> None:
    with pytest.raises(RestError) as caught:
        RestClient(base_url, "admin", "wrong", pause=0.001).login()
    assert caught.value.status == 401
    assert script.count_requests("POST", "/auth/token") == 1


def test_no_server_is_an_error_that_names_the_address() -> None:
    with pytest.raises(RestError, match=r"http://127\.0\.0\.1:9/auth/token: no response"):
        RestClient("http://127.0.0.1:9", "admin", "right", retries=1, pause=0.001).login()


def test_a_dead_airflow_ends_the_repeating(base_url: str, script: FakeAirflow) -> None:
    def dead() -> None:
        raise RuntimeError("scheduler is gone")

    script.set_responses("GET", f"{RUNS}/r", (500, {}))
    with pytest.raises(RuntimeError, match="scheduler is gone"):
        RestClient(base_url, "admin", "right", check=dead, pause=0.001).run("d", "r")
    assert script.count_requests("GET", f"{RUNS}/r") == 1


def test_all_pages_of_a_list_are_read(client: RestClient, script: FakeAirflow) -> None:
    def part(*ids: str) -> FakeResponse:
        return 200, {"dags": [{"dag_id": i} for i in ids], "total_entries": 3}

    script.set_responses("GET", "/api/v2/dags", part("c", "a"), part("b"))
    assert client.dag_ids() == ["a", "b", "c"]
