"""A task that has published reports, and a webhook that takes them or does not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.common.report import Check, Report
from airflow_mlops.hooks.store import connection_dict
from airflow_mlops.store import reports
from airflow_mlops.store.database import Database


@dataclass
class Webhook:
    """A server that answers as told, then with 200.

    :param url: its address, with what nobody may read in a log.
    :param got: the messages that it took.
    :param answers: the codes of its next answers; 0 closes the connection without one.
    """

    url: str
    got: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    requested: int = 0


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.requested += 1
            code = hook.answers.pop(0) if hook.answers else 200
            if code:
                self.send_response(code)
                self.end_headers()
            if code == 200:
                hook.got.append(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook = Webhook(f"http://127.0.0.1:{server.server_port}/hook-s3cret")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", hook.url)
    yield hook
    server.shutdown()
    server.server_close()


@pytest.fixture
def task() -> Any:
    """The context of the task that has published."""
    return {"ti": SimpleNamespace(dag_id="d", run_id="r", task_id="drift", map_index=-1)}


@pytest.fixture
def published(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    values = connection_dict(database.url.render_as_string(hide_password=False), tmp_path.as_uri())
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", json.dumps(values))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org/team")
    checks = [
        Check("drift", "fail", observed={"effect": 0.2}, where="age", message="mean 40 -> 42"),
        Check("drift", "fail", observed={"effect": 0.9}, where="weekly_price", message="mean 4.0 -> 6.0 {{ 1/0 }} <b>"),
        Check("drift", "pass", observed={"effect": 0.01}, where="region"),
    ]
    reports.publish(database, Report.from_checks("drift", "week 7", checks), actor="d/r/drift/-1")
    reports.publish(database, Report.from_checks("drift", "other task", checks), actor="d/r/drift_too/-1")
    return database
