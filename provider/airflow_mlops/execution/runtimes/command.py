"""A step that a command runs on this machine; the command may reach another one."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.models.isolated.fork_server import worker_environment
from airflow_mlops.execution.runtimes.process import PROGRAM, StepOutput
from airflow_mlops.execution.steps.outcome import StepOutcome
from airflow_mlops.execution.steps.supervisor import GRACE_SECONDS

log = logging.getLogger(__name__)
_OF_THIS_PYTHON = ("PYTHONPATH", "VIRTUAL_ENV")


class CommandStep:
    """A step that runs as a command, such as another interpreter, ``ssh`` or ``srun``.

    :param command: the command and its arguments, which end with a Python interpreter. It has to pass on standard
        input and its end, standard output and standard error.
    :param environment: the environment variables; default: ``PATH``, ``HOME``, locale and threads, without secrets.
    """

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> None:
        self._command = list(command)
        inherited = {name: value for name, value in worker_environment().items() if name not in _OF_THIS_PYTHON}
        self._environment = dict(inherited if environment is None else environment)
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, step: str, message: bytes) -> StepOutcome:
        """Run the step in a new process and return its outcome.

        :raises BadInput: when the command cannot be started.
        :raises MlopsError: when the step ends without a result.
        """
        output = StepOutput(lambda line: log.info("%s", line))
        self._process = process = self._start(step)
        try:
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # it has already ended; its output has the reason
                process.stdin.write(message)
                process.stdin.flush()  # not closed: EOF would end the step
            _read_output(process, output)
            process.wait()
        finally:
            self._terminate(process)
        return output.outcome(self._command[0])

    def kill(self) -> None:
        """Send SIGTERM; the step then has a grace period to finish."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def _start(self, step: str) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603  # the command that the DAG names
                [*self._command, *PROGRAM, step, "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            raise BadInput(
                f"the runtime's command cannot be started: {error.strerror}",
                where=self._command[0],
                hint="give the path of an executable program on the worker",
            ) from None

    def _terminate(self, process: subprocess.Popen[bytes]) -> None:
        """Close the streams, which ends the step, and stop the process if it is still running."""
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(GRACE_SECONDS + 5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _read_output(process: subprocess.Popen[bytes], output: StepOutput) -> None:
    """Read standard output and standard error until both are closed."""
    with selectors.DefaultSelector() as selector:
        for stream, feed in ((process.stdout, output.feed_stdout), (process.stderr, output.feed_stderr)):
            assert stream is not None
            selector.register(stream, selectors.EVENT_READ, feed)
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, 1 << 16)
                key.data(data)
                if not data:
                    selector.unregister(key.fileobj)
