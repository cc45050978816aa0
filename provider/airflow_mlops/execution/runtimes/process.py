"""Interface of remote step processes, and collection of their output."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Protocol

from airflow_mlops.common.errors import MlopsError
from airflow_mlops.execution.steps.outcome import StepOutcome

PROGRAM = ("-P", "-u", "-m", "airflow_mlops.execution.steps")
"""Arguments of the interpreter that runs a step; the step's name and ``-`` follow."""
MAX_RESULT_BYTES = 16 << 20
TAIL_LINES = 12
MAX_LINE_LENGTH = 16_000


class StepProcess(Protocol):
    """A step that runs in another process."""

    def run(self, step: str, message: bytes) -> StepOutcome:
        """Run the step and return its outcome. Nothing keeps running when this returns or raises.

        :param step: the step's name.
        :param message: the step's message, one line.
        """

    def kill(self) -> None:
        """Ask the step to end; :meth:`run` then waits until it has."""


class StepOutput:
    """Output of a step's process: its result, and lines for the task's log.

    :param log_line: logs a line.
    """

    def __init__(self, log_line: Callable[[str], None]) -> None:
        self._log_line, self._stdout, self._partial_line = log_line, bytearray(), b""
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)

    def feed_stdout(self, data: bytes) -> None:
        """Add a chunk of standard output."""
        if len(self._stdout) < MAX_RESULT_BYTES:
            self._stdout += data

    def feed_stderr(self, data: bytes) -> None:
        """Add a chunk of standard error, and log its complete lines."""
        *lines, self._partial_line = (self._partial_line + data).split(b"\n")
        if len(self._partial_line) > MAX_LINE_LENGTH:
            lines, self._partial_line = [*lines, self._partial_line], b""
        for line in lines:
            self._log(line)

    def outcome(self, where: str) -> StepOutcome:
        """Parse the outcome of the ended step.

        :param where: the runtime, for the error.
        :raises MlopsError: when there is no complete result.
        """
        if self._partial_line:
            self._log(self._partial_line)
            self._partial_line = b""
        line, newline, _ = bytes(self._stdout).partition(b"\n")
        try:
            result = json.loads(line) if newline else None
        except ValueError:
            result = None
        if isinstance(result, dict):
            return StepOutcome.from_dict(result)
        tail = "".join(f"\n    {line}" for line in self._tail)
        raise MlopsError(
            "the step ended without a result: it was killed, or could not start"
            + (f"; last output:{tail}" if tail else ""),
            where=where,
            hint="install this version of airflow-provider-mlops there; if the step was killed, give it more memory",
        )

    def _log(self, line: bytes) -> None:
        text = line[:MAX_LINE_LENGTH].decode("utf-8", "replace").rstrip("\r")
        self._tail.append(text[:300])
        self._log_line(text)
