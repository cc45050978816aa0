"""A client of a fake Airflow."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from include.demo import waiting
from include.demo.rest import RestClient
from tests.unit.include.demo.fakes import FakeAirflow


@pytest.fixture
def script() -> FakeAirflow:
    return FakeAirflow()


@pytest.fixture
def base_url(script: FakeAirflow) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            token = self.headers.get("Authorization", "")
            status, answer = script.respond(self.command, path, json.loads(body or b"null"), token)
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
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.001)
    client = RestClient(base_url, "admin", "right", retries=3, pause=0.001)
    yield client
    client.close()
