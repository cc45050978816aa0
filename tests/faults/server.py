"""A real ``mlflow server`` on a free port, over an SQLite database of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 120.0


def free_port() -> int:
    """Return a port that nothing listens at now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def mlflow_server(database: Path, *, prefix: str = "") -> Iterator[str]:
    """Run a server until the block ends; return its URL. It serves its artifacts itself, from beside the database.

    :param database: a migrated SQLite file; made when it is not there, which takes longer.
    :param prefix: the path below which it listens, such as ``/models``.
    """
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{database}"),
        *("--artifacts-destination", str(database.parent / "served-artifacts")),
        *(("--static-prefix", prefix) if prefix else ()),
    ]
    calm = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = database.parent / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=database.parent, env={**os.environ, **calm}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}", prefix, log)
        yield f"http://127.0.0.1:{port}{prefix}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, prefix: str, log: Path) -> None:
    """Wait until it answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}{prefix}/health", timeout=5) as answer:
            if answer.status == 200:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    raise RuntimeError(f"mlflow server did not start:\n{log.read_text()[-2000:]}")
