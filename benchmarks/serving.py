"""``python -m benchmarks serving``: REST beside ``mlflow models serve``, on the same model and in the same run."""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from importlib.metadata import version
from itertools import count
from typing import Any

from benchmarks.measure import measure_command
from benchmarks.paths import BUILD, RESULTS, ROOT
from benchmarks.peers import serving as peers
from benchmarks.results import write
from benchmarks.threads import single_thread_environment

FOLDER = BUILD / "serving"
CALLERS = 8
REQUESTS, SMALL_REQUESTS = 400, 40
ROUNDS, SMALL_ROUNDS = 3, 1
PATIENCE = 600.0  # seconds until a server has to be up


def run(*, small: bool, hold: bool) -> int:
    """Measure, write the metrics and print them; return the exit code. Nothing is promised of them.

    :param hold: for the other benchmarks' sake.
    """
    requests, rounds = (SMALL_REQUESTS, SMALL_ROUNDS) if small else (REQUESTS, ROUNDS)
    measure_command([sys.executable, "-m", "benchmarks.peers.serving", json.dumps({"folder": str(FOLDER)})], ROOT)
    rows = json.loads((FOLDER / "rows.json").read_text())
    taken: dict[tuple[str, int], list[dict[str, float]]] = {}
    with servers() as ports:
        for number in range(rounds):  # in turn, so that what else the machine does falls on both
            for callers in (1, CALLERS):
                for tool, port in ports.items():
                    print(f"{tool}, {callers} callers, round {number + 1}", file=sys.stderr, flush=True)
                    taken.setdefault((tool, callers), []).append(asked(port, rows, requests, callers))
    figures = [_row(tool, callers, found) for (tool, callers), found in taken.items()]
    path = (BUILD if small else RESULTS) / "serving.json"
    write(path, figures)
    print(f"\nserving, one row a request, medians of {rounds} rounds; written to {path.relative_to(ROOT)}")
    print(f"{'tool':22}{'callers':>8}{'p50 ms':>9}{'p95 ms':>9}{'requests/s':>12}{'failed':>8}")
    for row in figures:
        print(
            f"{row['tool']:22}{row['callers']:>8}{row['p50_ms']:>9.1f}{row['p95_ms']:>9.1f}"
            f"{row['requests_s']:>12.1f}{row['failed']:>8}"
        )
    return 0


@contextmanager
def servers() -> Iterator[dict[str, int]]:
    """Start both servers, wait until they are up, and end them; return their ports."""
    first = _free_port()
    ports = {"ours": first, "mlflow models serve": first + 1}
    environment = {**single_thread_environment(), **peers.environment(first), "PYTHONPATH": str(ROOT / "provider")}
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
        for command in peers.commands(FOLDER, first).values()
    ]
    try:
        for port in ports.values():
            _wait(port)
        yield ports
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def asked(port: int, rows: Sequence[Any], requests: int, callers: int) -> dict[str, float]:
    """Ask a server one row a request, from several connections that stay open.

    :returns: ``p50_ms``, ``p95_ms``, ``requests_s`` and ``failed``.
    """
    numbers, taken, failed = count(), [], []

    def ask() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        while (number := next(numbers)) < requests:
            body = json.dumps({"dataframe_records": [rows[number % len(rows)]]})
            began = time.perf_counter()
            connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            (taken if answer.status == 200 else failed).append(time.perf_counter() - began)
        connection.close()

    began = time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, sorted_ = time.perf_counter() - began, sorted(taken) or [0.0]
    return {
        "p50_ms": statistics.median(sorted_) * 1000,
        "p95_ms": sorted_[min(len(sorted_) - 1, int(0.95 * len(sorted_)))] * 1000,
        "requests_s": len(taken) / seconds,
        "failed": len(failed),
    }


def _row(tool: str, callers: int, found: Sequence[dict[str, float]]) -> dict[str, Any]:
    middle = {name: round(statistics.median(one[name] for one in found), 2) for name in found[0]}
    package = "airflow-provider-mlops" if tool == "ours" else "mlflow"
    return {
        "tool": tool,
        "task": f"one row, {callers} callers",
        "rows": 1,
        "columns": 10,
        "callers": callers,
        **middle,
        "failed": int(sum(one["failed"] for one in found)),
        "runs": len(found),
        "version": version(package),
    }


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            time.sleep(0.2)
        finally:
            connection.close()
    raise SystemExit(f"no server answers at port {port}")
