"""One attempt at a step, in a process forked from one that has everything imported."""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.steps import STEPS, context
from tests.crash.write_points import Fault, WriteMonitor

TIMEOUT_SECONDS = 300.0
POLL_SECONDS = 0.002
Patch = Callable[[], None]


@dataclass
class Outcome:
    """How an attempt has ended.

    :param ended: ``done``, ``failed`` (it raised), ``killed``, ``stopped`` (it has not ended), ``hung``.
    :param given: what it pushed for later steps.
    :param error: what it raised, in words.
    :param writes: its durable writes, in words.
    :param cpu: its seconds of CPU.
    """

    ended: str
    given: Any = None
    error: str = ""
    writes: list[str] = field(default_factory=list)
    cpu: float = 0.0


class Attempt:
    """An attempt that runs.

    :param work: the folder that it works in.
    :param name: of the step.
    :param number: of the try, from 1 on.
    :param patches: what is done to it first, such as taking a guard away.
    """

    def __init__(
        self, work: Path, name: str, given: Mapping[str, Any], *, run: str = "r2", number: int = 1,
        fault: Fault | None = None, patches: tuple[Patch, ...] = (),
    ) -> None:  # fmt: skip
        self.notes = work.parent / "notes" / f"{name}-{run}-{number}"
        shutil.rmtree(self.notes, ignore_errors=True)
        self.notes.mkdir(parents=True)
        sys.stdout.flush()
        gc.freeze()  # what is there already is shared, and no attempt need look through it for garbage
        self.pid = os.fork()
        if self.pid == 0:
            _child(work, self.notes, lambda: _step(name, run, number, given), fault, patches)

    def wait(self) -> Outcome:
        """Wait until it ends, or stops."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            pid, status, used = os.wait4(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid:
                break
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return Outcome("hung", error=self._said(), writes=self._writes())
            time.sleep(POLL_SECONDS)
        cpu = used.ru_utime + used.ru_stime
        if os.WIFSTOPPED(status):
            return Outcome("stopped", writes=self._writes(), cpu=cpu)
        if os.WIFSIGNALED(status):
            return Outcome("killed", error=f"signal {os.WTERMSIG(status)}", writes=self._writes(), cpu=cpu)
        told = self.notes / "outcome.json"
        if not told.is_file():
            return Outcome("failed", error=self._said(), writes=self._writes(), cpu=cpu)
        found = json.loads(told.read_text())
        for module in found.pop("modules"):  # the next attempt need not import them again
            if module not in sys.modules:
                with suppress(Exception):
                    importlib.import_module(module)
        return Outcome(**found, writes=self._writes(), cpu=cpu)

    def resume(self) -> Outcome:
        """Let an attempt that was stopped go on, to its end."""
        os.kill(self.pid, signal.SIGCONT)
        return self.wait()

    def _writes(self) -> list[str]:
        trace = self.notes / "trace"
        return trace.read_text().splitlines() if trace.is_file() else []

    def _said(self) -> str:
        log = self.notes / "log"
        return log.read_text()[-1500:] if log.is_file() else ""


def _child(work: Path, notes: Path, act: Callable[[], Any], fault: Fault | None, patches: tuple[Patch, ...]) -> None:
    """Be the attempt; does not come back."""
    code, before = 1, set(sys.modules)
    try:
        log = os.open(notes / "log", os.O_CREAT | os.O_WRONLY)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(work)
        tempfile.tempdir = str(work.parent / "tmp")
        for patch in patches:
            patch()
        outcome: dict[str, Any] = {"ended": "done"}
        trace = os.open(notes / "trace", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        WriteMonitor(work, trace, fault).arm()
        try:
            outcome["given"] = act()
        except Exception as error:
            traceback.print_exc()
            outcome = {"ended": "failed", "error": f"{type(error).__name__}: {error}"[:1500]}
        outcome["modules"] = sorted(set(sys.modules) - before)
        (notes / "outcome.json").write_text(json.dumps(outcome))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _step(name: str, run: str, number: int, given: Mapping[str, Any]) -> Any:
    """Execute a step as Airflow does, and give what it gives to XCom."""
    from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped

    step, pushed = STEPS[name], dict[str, Any]()
    task = step.operator(run, given)
    try:
        return task.execute(context(step, run, task, number, pushed))
    except AirflowSkipException:
        return None
    except DownstreamTasksSkipped:
        return pushed.get("return_value")
