"""What all processes of steps have in common for the task that waits for them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Protocol

from airflow_mlops.core.errors import MlopsError
from airflow_mlops.run.outcome import Outcome

MOST_ANSWERED = 16 << 20
LINES_KEPT = 12
LONGEST_LINE = 16_000


class StepProcess(Protocol):
    """A step that runs elsewhere."""

    def run(self, step: str, message: bytes) -> Outcome:
        """Start it, wait for it, and say how it has ended. However this is left, nothing of it goes on.

        :param step: which.
        :param message: what it is told, one line.
        """

    def kill(self) -> None:
        """Tell it to end; :meth:`run` then waits until it has."""


class Hearing:
    """What a step's process says: its answer, and lines for the task's log.

    :param say: takes a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._answer, self._rest = say, bytearray(), b""
        self._last: deque[str] = deque(maxlen=LINES_KEPT)

    def answer(self, data: bytes) -> None:
        """Take a piece of the standard output."""
        if len(self._answer) < MOST_ANSWERED:
            self._answer += data

    def said(self, data: bytes) -> None:
        """Take a piece of the standard error."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._tell(line)

    def outcome(self, where: str) -> Outcome:
        """Say how it has ended.

        :param where: what it was, for the errors.
        :raises MlopsError: when it has left no answer.
        """
        if self._rest:
            self._tell(self._rest)
            self._rest = b""
        line, ended, _ = bytes(self._answer).partition(b"\n")
        try:
            told = json.loads(line) if ended else None
        except ValueError:
            told = None
        if isinstance(told, dict):
            return Outcome.from_dict(told)
        last = "".join(f"\n    {line}" for line in self._last)
        raise MlopsError(
            "the step ended without an answer: it was killed, or could not begin"
            + (f"; last it said:{last}" if last else ""),
            where=where,
            mend="it needs a Python with airflow-provider-mlops of this version; if it was killed, more memory",
        )

    def _tell(self, line: bytes) -> None:
        text = line[:LONGEST_LINE].decode("utf-8", "replace").rstrip("\r")
        self._last.append(text[:300])
        self._say(text)
