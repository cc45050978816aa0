"""The notifier says what a task has published, and posts it where it is asked to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.core.report import Check, Report
from airflow_mlops.hooks.store import connection_value
from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.store import reports
from airflow_mlops.store.database import Database

CONTEXT: Any = {"ti": SimpleNamespace(dag_id="d", run_id="r", task_id="drift", map_index=-1)}


@pytest.fixture
def published(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    values = connection_value(database.url.render_as_string(hide_password=False), tmp_path.as_uri())
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", json.dumps(values))
    check = Check("drift", "fail", where="weekly_price", message="mean 4.0 -> 6.0")
    reports.publish(database, Report.of("drift", "week 7", [check]), actor="d/r/drift/-1")
    reports.publish(database, Report.of("drift", "other task", [check]), actor="d/r/drift_too/-1")
    return database


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200 if self.path == "/hook" else 500)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()


@pytest.mark.usefixtures("published")
def test_the_message_has_the_verdict_and_the_columns_of_this_task_only() -> None:
    text = LifecycleNotifier("monday's check").text(CONTEXT)
    assert text.splitlines()[0] == "monday's check"
    assert "drift of week 7: fail" in text
    assert "weekly_price" in text
    assert "other task" not in text


@pytest.mark.usefixtures("published")
def test_it_is_posted_to_the_webhook(webhook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, got = webhook
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", f"{url}/hook")
    LifecycleNotifier("lead", webhook_conn_id="chat").notify(CONTEXT)
    (sent,) = got
    assert "drift of week 7: fail" in sent["text"]


@pytest.mark.usefixtures("published")
def test_a_webhook_that_refuses_is_an_error_and_not_silence(webhook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = webhook
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", f"{url}/elsewhere")
    with pytest.raises(Exception, match="500"):
        LifecycleNotifier("lead", webhook_conn_id="chat").notify(CONTEXT)
