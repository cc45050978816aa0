"""What Airflow is asked for: runs, backfills, DAGs, each safe to ask for again."""

from __future__ import annotations

import pytest

from include.demo.rest import RestClient
from include.demo.waiting import DemoTimeoutError
from tests.unit.include.demo.fakes import RUN, RUNS, FakeAirflow, page


def test_a_trigger_whose_first_try_arrived_after_all_gives_that_run(client: RestClient, script: FakeAirflow) -> None:
    script.set_responses("POST", RUNS, (500, {}), (409, {"detail": "exists"}))
    script.set_responses("GET", f"{RUNS}/r", (200, RUN))
    assert client.trigger("d", "r", conf={"a": 1}) == RUN
    bodies = [body for method, path, body in script.requests if (method, path) == ("POST", RUNS)]
    assert bodies[0] == bodies[1] == {"dag_run_id": "r", "logical_date": None, "conf": {"a": 1}}


def test_a_partition_key_is_sent_only_when_there_is_one(client: RestClient, script: FakeAirflow) -> None:
    script.set_responses("POST", RUNS, (200, RUN))
    client.trigger("d", "r", partition_key="2026-04-06")
    assert script.requests[-1][2]["partition_key"] == "2026-04-06"


def test_ids_with_signs_reach_the_server_whole(client: RestClient, script: FakeAirflow) -> None:
    run_id = "backfill__2026-01-05T00:00:00+00:00__x/y"
    path = f"{RUNS}/backfill__2026-01-05T00%3A00%3A00%2B00%3A00__x%2Fy"
    script.set_responses("GET", path, (200, RUN))
    assert client.run("d", run_id) == RUN


BACKFILL = {
    "id": 7,
    "from_date": "2026-01-05T00:00:00Z",
    "to_date": "2026-02-02T00:00:00Z",
    "completed_at": None,
}


def test_the_same_backfill_that_is_active_is_returned(client: RestClient, script: FakeAirflow) -> None:
    script.set_responses("POST", "/api/v2/backfills", (409, {"detail": "There is already a running backfill"}))
    script.set_responses("GET", "/api/v2/backfills", page("backfills", BACKFILL))
    assert client.backfill("d", "2026-01-05T00:00:00+00:00", BACKFILL["to_date"])["id"] == 7
    assert script.count_requests("POST", "/api/v2/backfills") == 1


def test_another_backfill_waits_for_the_runs_of_the_active_one_and_closes_it(
    client: RestClient, script: FakeAirflow
) -> None:
    new = {**BACKFILL, "id": 8}
    script.set_responses(
        "POST", "/api/v2/backfills", (409, {"detail": "There is already a running backfill"}), (200, new)
    )
    script.set_responses("GET", "/api/v2/backfills", page("backfills", BACKFILL))
    script.set_responses("GET", RUNS, page("dag_runs", RUN), page("dag_runs"))
    script.set_responses("PUT", "/api/v2/backfills/7/cancel", (200, {}))
    assert client.backfill("d", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z")["id"] == 8
    asked = [(method, path) for method, path, _ in script.requests]
    assert asked.index(("PUT", "/api/v2/backfills/7/cancel")) > [i for i, a in enumerate(asked) if a[1] == RUNS][1]


def test_an_unpaused_dag_with_watchers_is_parsed_again(client: RestClient, script: FakeAirflow) -> None:
    script.set_responses("PATCH", "/api/v2/dags/d", (200, {"file_token": "abc"}))
    script.set_responses("PUT", "/api/v2/parseDagFile/abc", (201, None))
    client.unpause("d")
    assert script.count_requests("PUT", "/api/v2/parseDagFile/abc") == 0
    client.unpause("d", watchers=True)
    assert script.count_requests("PUT", "/api/v2/parseDagFile/abc") == 1


def test_waiting_for_dags_tells_the_missing_ones_and_the_import_errors(client: RestClient, script: FakeAirflow) -> None:
    script.set_responses("GET", "/api/v2/dags", page("dags", {"dag_id": "a"}))
    script.set_responses("GET", "/api/v2/dags/~/dagRuns", page("dag_runs"))
    script.set_responses(
        "GET",
        "/api/v2/importErrors",
        page("import_errors", {"filename": "dags/b.py", "stack_trace": "SyntaxError: oh"}),
    )
    with pytest.raises(DemoTimeoutError, match=r"(?s)Missing: b\n.*dags/b.py.*SyntaxError: oh"):
        client.wait_for_dags(["a", "b"], 0)


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_is_waited_for_until_it_ends_well_or_badly(client: RestClient, script: FakeAirflow, state: str) -> None:
    script.set_responses(
        "GET", f"{RUNS}/r", (200, RUN), (200, {**RUN, "state": "running"}), (200, {**RUN, "state": state})
    )
    assert client.wait_run("d", "r", 60)["state"] == state
