from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from include.demo import rest
from include.demo.rest import DemoTimeoutError, RestClient, RestError, UnhealthyError, unhealthy

HEALTHY = {name: {"status": "healthy"} for name in rest.COMPONENTS}
Answer = tuple[int, Any]


@dataclass
class Script:
    """Answers of a pretended Airflow, and what it was asked."""

    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    tokens: int = 0
    valid: str = ""

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """The last answer is given for ever."""
        self.answers[method, path] = list(answers)

    def times(self, method: str, path: str) -> int:
        return sum((m, p) == (method, path) for m, p, _ in self.asked)

    def answer(self, method: str, path: str, body: Any, token: str) -> Answer:
        self.asked.append((method, path, body))
        if path == "/auth/token":
            if body["password"] != "right":
                return 401, {"detail": "no"}
            self.tokens += 1
            self.valid = f"token{self.tokens}"
            return 201, {"access_token": self.valid}
        if token != f"Bearer {self.valid}" and not path.endswith("/monitor/health"):
            return 401, {"detail": "expired"}
        waiting = self.answers.get((method, path), [(404, {"detail": "unknown"})])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def base_url(script: Script) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            token = self.headers.get("Authorization", "")
            status, answer = script.answer(self.command, path, json.loads(body or b"null"), token)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = handle_any

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(base_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RestClient]:
    monkeypatch.setattr(rest, "POLL_SECONDS", 0.001)
    client = RestClient(base_url, "admin", "right", retries=3, pause=0.001)
    yield client
    client.close()


RUNS = "/api/v2/dags/d/dagRuns"
RUN = {"dag_id": "d", "dag_run_id": "r", "state": "queued"}


def page(key: str, *entries: Any) -> Answer:
    return 200, {key: list(entries), "total_entries": len(entries)}


def test_a_get_is_repeated_after_server_errors(client: RestClient, script: Script) -> None:
    script.on("GET", f"{RUNS}/r", (500, {}), (503, {}), (200, RUN))
    assert client.run("d", "r") == RUN
    assert script.times("GET", f"{RUNS}/r") == 3


def test_repeating_ends(client: RestClient, script: Script) -> None:
    script.on("GET", f"{RUNS}/r", (500, {"detail": "database is locked"}))
    with pytest.raises(RestError, match="database is locked") as caught:
        client.run("d", "r")
    assert caught.value.status == 500
    assert script.times("GET", f"{RUNS}/r") == 4


def test_a_refused_request_is_not_repeated(client: RestClient, script: Script) -> None:
    script.on("POST", RUNS, (400, {"detail": "bad key"}))
    with pytest.raises(RestError, match="bad key"):
        client.trigger("d", "r")
    assert script.times("POST", RUNS) == 1


def test_a_trigger_whose_first_try_arrived_after_all_gives_that_run(client: RestClient, script: Script) -> None:
    script.on("POST", RUNS, (500, {}), (409, {"detail": "exists"}))
    script.on("GET", f"{RUNS}/r", (200, RUN))
    assert client.trigger("d", "r", conf={"a": 1}) == RUN
    bodies = [body for method, path, body in script.asked if (method, path) == ("POST", RUNS)]
    assert bodies[0] == bodies[1] == {"dag_run_id": "r", "logical_date": None, "conf": {"a": 1}}


def test_a_partition_key_is_sent_only_when_there_is_one(client: RestClient, script: Script) -> None:
    script.on("POST", RUNS, (200, RUN))
    client.trigger("d", "r", partition_key="2026-04-06")
    assert script.asked[-1][2]["partition_key"] == "2026-04-06"


def test_an_expired_token_is_renewed(client: RestClient, script: Script) -> None:
    script.on("GET", f"{RUNS}/r", (200, RUN))
    client.run("d", "r")
    script.valid = "something else"
    assert client.run("d", "r") == RUN
    assert script.tokens == 2


def test_a_wrong_password_is_an_error_at_once(base_url: str, script: Script) -> None:
    with pytest.raises(RestError) as caught:
        RestClient(base_url, "admin", "wrong", pause=0.001).login()
    assert caught.value.status == 401
    assert script.times("POST", "/auth/token") == 1


def test_no_server_is_an_error_that_names_the_address() -> None:
    with pytest.raises(RestError, match=r"http://127\.0\.0\.1:9/auth/token: no answer"):
        RestClient("http://127.0.0.1:9", "admin", "right", retries=1, pause=0.001).login()


def test_a_dead_airflow_ends_the_repeating(base_url: str, script: Script) -> None:
    def dead() -> None:
        raise RuntimeError("scheduler is gone")

    script.on("GET", f"{RUNS}/r", (500, {}))
    with pytest.raises(RuntimeError, match="scheduler is gone"):
        RestClient(base_url, "admin", "right", check=dead, pause=0.001).run("d", "r")
    assert script.times("GET", f"{RUNS}/r") == 1


def test_all_pages_of_a_list_are_read(client: RestClient, script: Script) -> None:
    def part(*ids: str) -> Answer:
        return 200, {"dags": [{"dag_id": i} for i in ids], "total_entries": 3}

    script.on("GET", "/api/v2/dags", part("c", "a"), part("b"))
    assert client.dag_ids() == ["a", "b", "c"]


def test_ids_with_signs_reach_the_server_whole(client: RestClient, script: Script) -> None:
    run_id = "backfill__2026-01-05T00:00:00+00:00__x/y"
    path = f"{RUNS}/backfill__2026-01-05T00%3A00%3A00%2B00%3A00__x%2Fy"
    script.on("GET", path, (200, RUN))
    assert client.run("d", run_id) == RUN


BACKFILL = {
    "id": 7,
    "from_date": "2026-01-05T00:00:00Z",
    "to_date": "2026-02-02T00:00:00Z",
    "completed_at": None,
}


def test_the_same_backfill_that_is_active_is_returned(client: RestClient, script: Script) -> None:
    script.on("POST", "/api/v2/backfills", (409, {"detail": "There is already a running backfill"}))
    script.on("GET", "/api/v2/backfills", page("backfills", BACKFILL))
    assert client.backfill("d", "2026-01-05T00:00:00+00:00", BACKFILL["to_date"])["id"] == 7
    assert script.times("POST", "/api/v2/backfills") == 1


def test_another_backfill_waits_for_the_runs_of_the_active_one_and_closes_it(
    client: RestClient, script: Script
) -> None:
    new = {**BACKFILL, "id": 8}
    script.on("POST", "/api/v2/backfills", (409, {"detail": "There is already a running backfill"}), (200, new))
    script.on("GET", "/api/v2/backfills", page("backfills", BACKFILL))
    script.on("GET", RUNS, page("dag_runs", RUN), page("dag_runs"))
    script.on("PUT", "/api/v2/backfills/7/cancel", (200, {}))
    assert client.backfill("d", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z")["id"] == 8
    asked = [(method, path) for method, path, _ in script.asked]
    assert asked.index(("PUT", "/api/v2/backfills/7/cancel")) > [i for i, a in enumerate(asked) if a[1] == RUNS][1]


def test_an_unpaused_dag_with_watchers_is_parsed_again(client: RestClient, script: Script) -> None:
    script.on("PATCH", "/api/v2/dags/d", (200, {"file_token": "abc"}))
    script.on("PUT", "/api/v2/parseDagFile/abc", (201, None))
    client.unpause("d")
    assert script.times("PUT", "/api/v2/parseDagFile/abc") == 0
    client.unpause("d", watchers=True)
    assert script.times("PUT", "/api/v2/parseDagFile/abc") == 1


def test_waiting_returns_the_first_true_answer(client: RestClient) -> None:
    answers = iter([None, [], "there"])
    assert client.wait_until(lambda: next(answers), 60, "it") == "there"


def test_waiting_in_vain_names_what_for_and_lists_the_runs(client: RestClient, script: Script) -> None:
    failed = {"dag_id": "d", "dag_run_id": "bad", "state": "failed"}
    script.on("GET", "/api/v2/dags/~/dagRuns", page("dag_runs", failed))
    with pytest.raises(DemoTimeoutError) as caught:
        client.wait_until(lambda: False, 0, "the moon")
    assert "in vain for the moon" in str(caught.value)
    assert "d bad (failed)" in str(caught.value)


def test_waiting_for_dags_tells_the_missing_ones_and_the_import_errors(client: RestClient, script: Script) -> None:
    script.on("GET", "/api/v2/dags", page("dags", {"dag_id": "a"}))
    script.on("GET", "/api/v2/dags/~/dagRuns", page("dag_runs"))
    script.on(
        "GET",
        "/api/v2/importErrors",
        page("import_errors", {"filename": "dags/b.py", "stack_trace": "SyntaxError: oh"}),
    )
    with pytest.raises(DemoTimeoutError, match=r"(?s)Missing: b\n.*dags/b.py.*SyntaxError: oh"):
        client.wait_for_dags(["a", "b"], 0)


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_is_waited_for_until_it_ends_well_or_badly(client: RestClient, script: Script, state: str) -> None:
    script.on("GET", f"{RUNS}/r", (200, RUN), (200, {**RUN, "state": "running"}), (200, {**RUN, "state": state}))
    assert client.wait_run("d", "r", 60)["state"] == state


@pytest.fixture
def always_looking(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def patience(seconds: float) -> None:
        monkeypatch.setattr(rest, "HEALTH_SECONDS", 0.0)
        monkeypatch.setattr(rest, "SICK_SECONDS", seconds)

    return patience


def test_a_component_that_stays_unhealthy_ends_the_waiting(
    client: RestClient, script: Script, always_looking: Callable[[float], None]
) -> None:
    always_looking(0.0)
    script.on("GET", "/api/v2/monitor/health", (200, {**HEALTHY, "scheduler": {"status": "unhealthy"}}))
    with pytest.raises(UnhealthyError, match="scheduler of Airflow stopped working while waiting for it"):
        client.wait_until(lambda: False, 60, "it")


def test_a_missed_heartbeat_is_forgiven(
    client: RestClient, script: Script, always_looking: Callable[[float], None]
) -> None:
    always_looking(3600.0)
    script.on("GET", "/api/v2/monitor/health", (200, {**HEALTHY, "scheduler": {"status": "unhealthy"}}))
    answers = iter([None] * 5 + ["there"])
    assert client.wait_until(lambda: next(answers), 60, "it") == "there"


def test_a_component_without_an_entry_counts_as_unhealthy() -> None:
    assert unhealthy(HEALTHY) == []
    assert unhealthy({**HEALTHY, "dag_processor": None}) == ["dag_processor"]
    assert unhealthy({}) == list(rest.COMPONENTS)
