"""A step in another Python on the same machine."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.registry.model_nursery import environment
from airflow_mlops.run.outcome import Outcome
from airflow_mlops.run.supervising import GRACE
from airflow_mlops.runtimes.process import Hearing
from airflow_mlops.runtimes.settings import ExternalPython

log = logging.getLogger(__name__)
PROGRAM = ("-P", "-u", "-m", "airflow_mlops.run")


class ExternalPythonStep:
    """A step in another Python.

    :param asked: which.
    """

    def __init__(self, asked: ExternalPython) -> None:
        self._asked = asked
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, step: str, message: bytes) -> Outcome:
        """Start it, wait for it, and say how it has ended.

        :raises BadInput: when there is no such interpreter.
        :raises MlopsError: when it ends without an answer.
        """
        hearing = Hearing(lambda line: log.info("%s", line))
        self._process = process = self._started(step)
        try:
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # it has ended already, and said why
                process.stdin.write(message)
                process.stdin.flush()  # and stays open: its end would end the step
            _listen(process, hearing)
            process.wait()
        finally:
            self._end(process)
        return hearing.outcome(self._asked.python)

    def kill(self) -> None:
        """Tell it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def _started(self, step: str) -> subprocess.Popen[bytes]:
        python = Path(self._asked.python)
        if not python.is_file() or not os.access(python, os.X_OK):
            raise BadInput("there is no such Python", where=str(python), mend="give the path of its interpreter")
        kept = {name: value for name, value in environment().items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        return subprocess.Popen(  # noqa: S603  # the interpreter that the DAG names
            [str(python), *PROGRAM, step, "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=kept,
            start_new_session=True,
        )

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Leave nothing running: the end of its input ends the step, too."""
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(GRACE + 5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listen(process: subprocess.Popen[bytes], hearing: Hearing) -> None:
    """Hear what it says until it says nothing more."""
    with selectors.DefaultSelector() as heard:
        for stream, take in ((process.stdout, hearing.answer), (process.stderr, hearing.said)):
            assert stream is not None
            heard.register(stream, selectors.EVENT_READ, take)
        while heard.get_map():
            for key, _ in heard.select():
                data = os.read(key.fd, 1 << 16)
                key.data(data)
                if not data:
                    heard.unregister(key.fileobj)
