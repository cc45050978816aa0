"""Predictions are logged once, in batches, and a log that fails fails no request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.serving.settings import ServingSettings
from airflow_mlops.model_server.prometheus import ServerMetrics
from airflow_mlops.model_server.request_log import LogBatch, LoggedPredictions, RequestLog, table_writer
from airflow_mlops.model_server.smoke_test import SMOKE_TEST_HEADER

SERVED = ServingSettings(model="things", version=4, digest="d", contract={})


def answered(number: int, rows: int = 1) -> LoggedPredictions:
    return LoggedPredictions(f"r{number}", None, [0.5] * rows)


def kept(path: Path) -> list[tuple[Any, ...]]:
    with create_engine(f"sqlite:///{path}").connect() as connection:
        query = "SELECT request_id, row_number, id, score, model_name, model_version FROM served ORDER BY 1, 2"
        return [tuple(row) for row in connection.execute(text(query))]


def test_what_is_answered_is_in_the_table(tmp_path: Path, serve: Callable[..., TestClient]) -> None:
    path, figures = tmp_path / "log.db", ServerMetrics({})
    log = RequestLog(table_writer(f"sqlite:///{path}", "served", SERVED, ["id"]), figures, interval=0.01)
    client = serve(log=log)
    rows = [{"id": 7, "x": 50, "kind": "a"}, {"id": 8, "x": 25, "kind": None}]
    first = client.post("/invocations", json={"dataframe_records": rows})
    second = client.post("/invocations", json={"dataframe_records": [{"x": 1, "kind": "a"}]})
    log.close()
    ids = [one.headers["x-request-id"] for one in (first, second)]
    expected = [(ids[0], 0, "7", 0.5), (ids[0], 1, "8", 0.25), (ids[1], 0, None, 0.01)]
    assert kept(path) == [(*row, "things", 4) for row in sorted(expected)]
    assert figures.value("log_rows_total", outcome="written") == 3


@pytest.mark.parametrize(
    ("caller", "headers", "logged"),
    [
        ("127.0.0.1", {SMOKE_TEST_HEADER: "1"}, 0),
        ("127.0.0.1", {}, 1),
        ("10.0.0.7", {SMOKE_TEST_HEADER: "1"}, 1),
        ("10.0.0.7", {SMOKE_TEST_HEADER: "1", "X-Forwarded-For": "127.0.0.1"}, 1),
    ],
)
def test_a_trial_is_answered_and_not_logged_and_nobody_else_passes_for_one(
    serve: Callable[..., TestClient], caller: str, headers: dict[str, str], logged: int
) -> None:
    seen: list[str] = []
    log = RequestLog(
        lambda batch: seen.extend(one.request_id for one in batch.requests), ServerMetrics({}), interval=0.01
    )
    client = serve(log=log, caller=caller)
    answer = client.post("/invocations", json={"instances": [[50, "a"]]}, headers=headers)
    log.close()
    assert answer.json()["predictions"] == [0.5]
    assert seen == [answer.headers["x-request-id"]] * logged


def test_a_batch_that_is_written_twice_is_there_once(tmp_path: Path) -> None:
    write = table_writer(f"sqlite:///{tmp_path}/log.db", "served", SERVED, ["id"])
    batch = LogBatch([LoggedPredictions("r", pl.DataFrame({"id": [1]}), [0.5])], datetime.now(UTC))
    write(batch)
    write(batch)
    assert len(kept(tmp_path / "log.db")) == 1


def test_of_three_classes_the_likeliest_and_the_chances_are_kept(tmp_path: Path) -> None:
    write = table_writer(f"sqlite:///{tmp_path}/log.db", "served", SERVED, ["id"])
    answer = {"score": "b", "score_0": 0.1, "score_1": 0.9, "score_2": 0.0}
    write(LogBatch([LoggedPredictions("r", None, [answer])], datetime.now(UTC)))
    assert kept(tmp_path / "log.db")[0][3] == "b"


def test_a_database_that_is_away_fails_no_request_and_gets_all_when_it_is_back(
    serve: Callable[..., TestClient],
) -> None:
    away, seen, tried = threading.Event(), [], threading.Event()
    figures = ServerMetrics({})

    def write(batch: LogBatch) -> None:
        tried.set()
        if not away.is_set():
            raise OSError("postgresql://login:secret@host is away")
        seen.extend(one.request_id for one in batch.requests)

    log = RequestLog(write, figures, interval=0.01)
    client = serve(log=log)
    answers = [client.post("/invocations", json={"instances": [[1, "a"]]}) for _ in range(3)]
    assert tried.wait(10)
    assert {one.status_code for one in answers} == {200}
    away.set()
    until = threading.Event()
    while figures.value("log_rows_total", outcome="written") < 3:
        until.wait(0.01)
    log.close()
    assert sorted(seen) == sorted(one.headers["x-request-id"] for one in answers)
    assert figures.value("log_failures_total") >= 1


def test_what_never_can_be_written_is_counted_and_stands_in_nobody_s_way(caplog: pytest.LogCaptureFixture) -> None:
    figures, seen = ServerMetrics({}), []

    def write(batch: LogBatch) -> None:
        if batch.requests[0].request_id == "r0":
            raise BadInput("the table is another one")
        seen.append(batch.rows)

    log = RequestLog(write, figures, interval=0.0)
    log.put(answered(0))
    while not figures.value("log_rows_total", outcome="rejected"):
        threading.Event().wait(0.01)
    log.put(answered(1))
    log.close()
    assert seen == [1]
    assert "the table is another one" in caplog.text


def test_when_too_much_waits_the_oldest_goes_and_is_counted() -> None:
    figures, go, seen = ServerMetrics({}), threading.Event(), []
    begun = threading.Event()

    def write(batch: LogBatch) -> None:
        begun.set()
        go.wait(10)
        seen.extend(one.request_id for one in batch.requests)

    log = RequestLog(write, figures, interval=0.0, max_rows=5)
    log.put(answered(0))
    assert begun.wait(10)
    for number in range(1, 8):
        log.put(answered(number))
    go.set()
    log.close()
    dropped = figures.value("log_rows_total", outcome="dropped")
    assert dropped == 3
    assert seen == ["r0", "r4", "r5", "r6", "r7"]


def test_a_driver_s_words_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    def write(batch: LogBatch) -> None:
        raise OSError("postgresql://login:secret@host")

    log = RequestLog(write, ServerMetrics({}), interval=0.0)
    log.put(answered(0))
    log.close()
    assert "secret" not in caplog.text
    assert json.dumps(caplog.messages)
