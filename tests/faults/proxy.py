"""A small HTTP proxy in front of a real server that loses what it is told to lose.

``with FaultProxy("http://127.0.0.1:5000") as proxy: proxy.plan("runs/create", "reset"); client(proxy.url)...``
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import struct
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import urlsplit

# refuse: closed before the server hears of it; hang: neither passed on nor answered; the others pass it on, wait until
# it is done, and then answer 503, break off, or never answer.
Fault = Literal["refuse", "hang", "503", "reset", "silence"]
AFTER_COMMIT: tuple[Fault, ...] = ("503", "reset", "silence")
BEFORE: tuple[Fault, ...] = ("refuse", "hang")
_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "host", "content-length"}


@dataclass
class Plan:
    """What goes wrong.

    :param part: a part of the path of the calls that it is about.
    :param fault: what happens to them.
    :param times: to how many of them.
    """

    part: str
    fault: Fault
    times: int


class FaultProxy:
    """Passes everything on to a server, but for what is planned.

    :param target: the server's URL.
    :param login: ask for this name and password, as a server with basic authentication does.
    """

    def __init__(self, target: str, *, login: tuple[str, str] | None = None) -> None:
        self.target = urlsplit(target)
        self.expected = None if login is None else "Basic " + base64.b64encode(":".join(login).encode()).decode()
        self.seen: list[tuple[str, str]] = []
        self.plans: list[Plan] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"proxy": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def plan(self, part: str, fault: Fault, times: int = 1) -> None:
        """Let the next calls whose path has ``part`` in it go wrong."""
        with self._lock:
            self.plans.append(Plan(part, fault, times))

    def calls(self, part: str) -> int:
        """Count the calls seen whose path has ``part`` in it."""
        return sum(part in path for _, path in self.seen)

    def fault_for(self, method: str, path: str) -> Fault | None:
        """Note a call, and give what is planned for it."""
        with self._lock:
            self.seen.append((method, path))
            for plan in self.plans:
                if plan.part in path and plan.times:
                    plan.times -= 1
                    return plan.fault
        return None


class Handler(BaseHTTPRequestHandler):
    proxy: FaultProxy
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Suppress logging."""

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.proxy.expected and self.headers.get("Authorization") != self.proxy.expected:
            return self.respond(401, b"who are you?")
        fault = self.proxy.fault_for(self.command, self.path)
        reply = None if fault in BEFORE else self.forward(body)
        if fault in ("refuse", "reset"):
            return self.drop()
        if fault in ("hang", "silence"):
            return self.hang()
        if fault == "503" or reply is None:
            return self.respond(503, b"busy")
        return self.respond(*reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request

    def forward(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection(self.proxy.target.hostname or "", self.proxy.target.port, timeout=60)
        with contextlib.closing(connection):
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, content, {k: v for k, v in answer.getheaders() if k.lower() not in _HOP}

    def respond(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def drop(self) -> None:
        """Close with a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def hang(self) -> None:
        self.proxy.over.wait(120)
        self.close_connection = True

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the other side, or drop(), has closed it
            super().finish()
