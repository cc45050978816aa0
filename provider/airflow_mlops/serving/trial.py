"""``python -m airflow_mlops.serving.trial FILE``, in a served container: does it answer what batch scoring gave?

Ends with 0 when it does, 1 when it answers something else, 2 when it does not answer. The standard library only: it
starts at once.
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
TRIAL = "x-mlops-trial"
"""The header by which the server knows a trial from those who ask."""
CLOSE = 1e-9
LOOK = 0.2  # seconds between two tries


def differ(expected: Sequence[Any], given: Sequence[Any]) -> str | None:
    """Say how predictions differ; None when they are the same to a part in 10^9.

    :param expected: a number, or ``score`` and chances, for each row.
    :param given: the same, as answered.
    """
    if len(expected) != len(given):
        return f"{len(given)} predictions for {len(expected)} rows"
    for row, (wanted, found) in enumerate(zip(expected, given, strict=True)):
        if not _same(wanted, found):
            return f"row {row}: {found!r}, batch scoring gave {wanted!r}"
    return None


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(_same(wanted[name], found[name]) for name in wanted)
    if isinstance(wanted, float) and isinstance(found, (int, float)):
        return math.isclose(wanted, found, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(wanted == found)


def ready(seconds: float) -> bool:
    """Wait until the server is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError, HTTPException):
            if _request("GET", "/ping", None, {})[0] == 200:
                return True
        time.sleep(LOOK)
    return False


def asked(body: Any, token: str | None) -> tuple[int, str]:
    """Ask the server; gives status and answer."""
    headers = {"Content-Type": "application/json", TRIAL: "1"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return _request("POST", "/invocations", json.dumps(body), headers)


def _request(method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", PORT, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def main(path: str) -> int:
    """Try the server on the rows of a file, which is gone afterwards."""
    told = json.loads(Path(path).read_text(encoding="utf-8"))
    os.unlink(path)
    if not ready(told["seconds"]):
        print(f"it has not come up within {told['seconds']:g} seconds")
        return 2
    status, answer = asked(told["body"], told["token"])
    if status != 200:
        print(f"it answers {status}: {answer[:600]}")
        return 1
    difference = differ(told["expected"], json.loads(answer)["predictions"])
    print(difference or f"{len(told['expected'])} rows are answered as in batch scoring")
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
