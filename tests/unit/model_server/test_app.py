"""The server answers as MLflow's protocol says; a wrong request gets an error with a hint, never a 500."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

ROW = {"x": 50.0, "kind": "a"}
Serve = Callable[..., TestClient]
JSON = {"Content-Type": "application/json"}


def body(**change: Any) -> bytes:
    return json.dumps({"dataframe_records": [{**ROW, **change}]}).encode()


def test_rows_are_answered(serve: Serve) -> None:
    answer = serve().post("/invocations", json={"instances": [[50, "a"], [25, None]]})
    assert answer.status_code == 200
    assert answer.json() == {"predictions": [0.5, 0.25], "model": "things", "version": 4}
    assert len(answer.headers["x-request-id"]) == 32


def test_health_needs_no_token_and_everything_else_does(serve: Serve) -> None:
    client = serve()
    del client.headers["Authorization"]
    assert [client.get(path).status_code for path in ("/ping", "/health")] == [200, 200]
    assert [client.get(path).status_code for path in ("/version", "/metrics")] == [401, 401]
    assert client.post("/invocations", content=body(), headers=JSON).status_code == 401


def test_what_is_served_and_what_has_happened_is_told(serve: Serve) -> None:
    client = serve()
    client.post("/invocations", content=body(), headers=JSON)
    client.post("/invocations", content=body(x=-1), headers=JSON)
    assert client.get("/version").json() == {"model": "things", "version": 4, "digest": "d" * 64}
    told = client.get("/metrics").text.splitlines()
    assert 'mlops_serving_requests_total{path="/invocations",status="200"} 1' in told
    assert 'mlops_serving_rejected_requests_total{code="CONTRACT_VIOLATION"} 1' in told
    assert "mlops_serving_scored_rows_total 1" in told
    assert "mlops_serving_request_duration_seconds_count 1" in told
    assert 'mlops_serving_info{model="things",version="4"} 1' in told


DEEP = b'{"inputs": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}"
BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "no body": ({"content": b""}, 400, "EMPTY_BODY"),
    "half of JSON": ({"content": body()[:-4]}, 400, "INVALID_JSON"),
    "no UTF-8": ({"content": b'{"inputs": "\xff"}'}, 400, "INVALID_JSON"),
    "no object": ({"content": b"[]"}, 400, "INVALID_JSON"),
    "nesting": ({"content": DEEP}, 400, "INVALID_JSON"),
    "NaN": ({"content": b'{"inputs": {"x": [NaN], "kind": ["a"]}}'}, 400, "INVALID_JSON"),
    "Infinity": ({"content": b'{"inputs": {"x": [Infinity], "kind": ["a"]}}'}, 400, "INVALID_JSON"),
    "a number of 5,000 digits": (
        {"content": b'{"inputs": {"x": [' + b"9" * 5000 + b'], "kind": ["a"]}}'},
        400,
        "INVALID_JSON",
    ),
    "a key twice": ({"content": b'{"inputs": {"x": [1], "x": [2], "kind": ["a"]}}'}, 400, "INVALID_JSON"),
    "no rows": ({"content": b'{"inputs": {}}'}, 400, "NO_ROWS"),
    "an empty list": ({"content": b'{"instances": []}'}, 400, "NO_ROWS"),
    "an unknown form": ({"content": b'{"rows": [1]}'}, 400, "INVALID_FORMAT"),
    "two forms": ({"content": b'{"inputs": {}, "instances": []}'}, 400, "INVALID_FORMAT"),
    "rows of other lengths": ({"content": b'{"instances": [[1, "a"], [1]]}'}, 400, "INVALID_FORMAT"),
    "too many rows": ({"content": json.dumps({"instances": [[1, "a"]] * 101}).encode()}, 413, "TOO_MANY_ROWS"),
    "too large": ({"content": b" " * 2_000_001}, 413, "PAYLOAD_TOO_LARGE"),
    "too large, in pieces": ({"content": (b" " * 10_000 for _ in range(300))}, 413, "PAYLOAD_TOO_LARGE"),
    "a false length": ({"content": body(), "headers": {**JSON, "Content-Length": "9" * 18}}, 413, "PAYLOAD_TOO_LARGE"),
    "no content type": ({"headers": {"Content-Type": ""}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "CSV": ({"headers": {"Content-Type": "text/csv"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "another charset": (
        {"headers": {"Content-Type": "application/json; charset=utf-16"}},
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    ),
    "compressed": ({"headers": {**JSON, "Content-Encoding": "gzip"}}, 415, "UNSUPPORTED_ENCODING"),
    "a missing column": ({"content": b'{"inputs": {"x": [1]}}'}, 422, "CONTRACT_VIOLATION"),
    "an unknown column": ({"content": body(colour="red")}, 422, "CONTRACT_VIOLATION"),
    "text for a number": ({"content": body(x="50")}, 422, "CONTRACT_VIOLATION"),
    "a list for a number": ({"content": body(x=[50])}, 422, "CONTRACT_VIOLATION"),
    "a boolean for a number": ({"content": body(x=True)}, 422, "CONTRACT_VIOLATION"),
    "null where it may not be": ({"content": body(x=None)}, 422, "CONTRACT_VIOLATION"),
    "a huge number": ({"content": b'{"inputs": {"x": [1e999], "kind": ["a"]}}'}, 422, "CONTRACT_VIOLATION"),
    "beyond the bounds": ({"content": body(x=1001)}, 422, "CONTRACT_VIOLATION"),
    "an unknown category": ({"content": body(kind="z")}, 422, "CONTRACT_VIOLATION"),
    "a text of a million characters": ({"content": body(kind="x" * 1_000_000)}, 422, "CONTRACT_VIOLATION"),
    "half a character": ({"content": b'{"inputs": {"x": [1], "kind": ["\\ud800"]}}'}, 422, "CONTRACT_VIOLATION"),
    "NUL": ({"content": body(kind="a\0")}, 422, "CONTRACT_VIOLATION"),
    "what the model raises at": ({"content": body(x=14)}, 422, "PREDICTION_FAILED"),
    "no token": ({"headers": {**JSON, "Authorization": ""}}, 401, "UNAUTHORIZED"),
    "a wrong token": ({"headers": {**JSON, "Authorization": "Bearer guess"}}, 401, "UNAUTHORIZED"),
    "another scheme": ({"headers": {**JSON, "Authorization": "Basic YTpi"}}, 401, "UNAUTHORIZED"),
    "a wrong path": ({"url": "/predict"}, 404, "NOT_FOUND"),
    "a path above": ({"url": "/../../etc/passwd"}, 404, "NOT_FOUND"),
    "a wrong method": ({"method": "GET"}, 405, "METHOD_NOT_ALLOWED"),
    "another wrong method": ({"method": "DELETE"}, 405, "METHOD_NOT_ALLOWED"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_request_is_told_what_to_hint(kind: str, serve: Serve) -> None:
    client = serve(limits={"max_body_bytes": 2_000_000, "max_rows": 100})
    asked, status, code = BAD[kind]
    answer = client.request(**{"method": "POST", "url": "/invocations", "content": body(), "headers": JSON, **asked})
    told = answer.json()
    assert (answer.status_code, told["error_code"]) == (status, code)
    assert told["message"]
    assert told["hint"]
    assert len(answer.content) < 5000
    for problem in told.get("problems", []):
        assert problem["column"]
        assert problem["rule"]
        assert problem["hint"]
    assert client.post("/invocations", content=body(), headers=JSON).json()["predictions"] == [0.5]


def test_at_least_thirty_kinds_are_tried() -> None:
    assert len(BAD) >= 30


def test_too_many_requests_are_sent_away_with_when_to_come_back(serve: Serve) -> None:
    client = serve(limits={"requests_per_second": 0.001, "burst": 2})
    answers = [client.post("/invocations", content=body(), headers=JSON) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert int(answers[2].headers["retry-after"]) >= 1
    assert client.get("/ping").status_code == 200


def test_a_model_that_dies_costs_one_request_and_comes_back(serve: Serve) -> None:
    client = serve()
    died = client.post("/invocations", content=body(x=13), headers=JSON)
    assert (died.status_code, died.json()["error_code"]) == (503, "MODEL_UNAVAILABLE")
    assert client.post("/invocations", content=body(), headers=JSON).json()["predictions"] == [0.5]
    assert "mlops_serving_model_restarts_total 1" in client.get("/metrics").text
    assert len(client.models) == 2  # type: ignore[attr-defined]


def waiting(client: TestClient, count: int) -> None:
    until = time.monotonic() + 10
    while f"mlops_serving_queued_requests {count}" not in client.get("/metrics").text:
        assert time.monotonic() < until


def test_requests_that_wait_are_scored_together_and_a_bad_one_spoils_no_other(serve: Serve) -> None:
    client = serve()
    model = client.models[0]  # type: ignore[attr-defined]
    with ThreadPoolExecutor(10) as pool:
        first = pool.submit(client.post, "/invocations", content=body(x=15), headers=JSON)
        while not model.calls:
            threading.Event().wait(0.01)
        rest = [pool.submit(client.post, "/invocations", content=body(x=x), headers=JSON) for x in (1, 2, 14, 4)]
        waiting(client, 4)
        model.go.set()
        assert first.result().status_code == 200
        found = [one.result() for one in rest]
    assert [one.status_code for one in found] == [200, 200, 422, 200]
    assert [one.json()["predictions"] for one in found if one.status_code == 200] == [[0.01], [0.02], [0.04]]
    assert model.calls == 1 + 1 + 4  # the first; all together; and each alone


def test_when_too_many_wait_the_next_is_sent_away(serve: Serve) -> None:
    client = serve(limits={"max_queued_requests": 1})
    model = client.models[0]  # type: ignore[attr-defined]
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(client.post, "/invocations", content=body(x=15), headers=JSON)
        while not model.calls:
            threading.Event().wait(0.01)
        second = pool.submit(client.post, "/invocations", content=body(), headers=JSON)
        waiting(client, 1)
        third = client.post("/invocations", content=body(), headers=JSON)
        model.go.set()
        assert (third.status_code, third.json()["error_code"]) == (503, "QUEUE_FULL")
        assert (first.result().status_code, second.result().status_code) == (200, 200)


def test_a_request_that_waits_too_long_is_told_so(serve: Serve) -> None:
    client = serve(limits={"timeout_seconds": 0.05})
    slow = client.post("/invocations", content=body(x=15), headers=JSON)
    client.models[0].go.set()  # type: ignore[attr-defined]
    assert (slow.status_code, slow.json()["error_code"]) == (503, "TIMEOUT")
