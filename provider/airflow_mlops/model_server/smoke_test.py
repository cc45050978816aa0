"""Smoke test in a served container, compared with batch scoring.

``python -m airflow_mlops.model_server.smoke_test FILE`` exits with 0 when the predictions match, 1 when they differ,
2 when the server does not respond. It uses the standard library only, to start quickly.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

PORT = 8080
SMOKE_TEST_HEADER = "x-mlops-smoke-test"
"""The header that marks requests of the smoke test."""
_TOLERANCE = 1e-9
_POLL_SECONDS = 0.2


def first_difference(expected: Sequence[Any], actual: Sequence[Any]) -> str | None:
    """Return the first difference between predictions; None when they match to a relative 1e-9.

    :param expected: a number, or ``score`` and probabilities, for each row.
    :param actual: the same, as returned by the server.
    """
    if len(expected) != len(actual):
        return f"{len(actual)} predictions for {len(expected)} rows"
    for row, (expected_value, value) in enumerate(zip(expected, actual, strict=True)):
        if not _is_close(expected_value, value):
            return f"row {row}: got {value!r}, batch scoring returned {expected_value!r}"
    return None


def _is_close(expected_value: Any, value: Any) -> bool:
    if isinstance(expected_value, dict) and isinstance(value, dict):
        return expected_value.keys() == value.keys() and all(
            _is_close(expected_value[name], value[name]) for name in expected_value
        )
    if isinstance(expected_value, float) and isinstance(value, (int, float)):
        return math.isclose(expected_value, value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(expected_value == value)


def wait_until_ready(seconds: float) -> bool:
    """Wait until the server is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError, HTTPException):
            if _request("GET", "/ping", None, {})[0] == 200:
                return True
        time.sleep(_POLL_SECONDS)
    return False


def send_request(body: Any, token: str | None) -> tuple[int, str]:
    """Send a scoring request; return status and body."""
    headers = {"Content-Type": "application/json", SMOKE_TEST_HEADER: "1"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return _request("POST", "/invocations", json.dumps(body), headers)


def _request(method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", PORT, timeout=60)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    finally:
        connection.close()


def main(path: str) -> int:
    """Run the smoke test with the rows of a file, which is deleted."""
    spec = json.loads(Path(path).read_text(encoding="utf-8"))
    os.unlink(path)
    if not wait_until_ready(spec["timeout_seconds"]):
        print(f"the server did not start within {spec['timeout_seconds']:g} seconds")
        return 2
    status, response = send_request(spec["body"], spec["token"])
    if status != 200:
        print(f"the server returned {status}: {response[:600]}")
        return 1
    difference = first_difference(spec["expected"], json.loads(response)["predictions"])
    print(difference or f"{len(spec['expected'])} predictions match batch scoring")
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
