"""The supervisor ends a step on a signal or EOF, and reports how it died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.execution.steps.supervisor import signal_error

PROVIDER = Path(__file__).resolve().parents[4] / "provider"
PROGRAM = """
import os, signal, subprocess, sys, time
from airflow_mlops.execution.steps.supervisor import run_supervised
import airflow_mlops.execution.steps.supervisor as module
module.GRACE_SECONDS = 0.5

def waits():
    try:
        print("started", os.getpid(), flush=True)
        time.sleep(1000)
    finally:
        print("clean exit", flush=True)
        time.sleep(0.1)

def stubborn():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    print("started", child.pid, flush=True)
    time.sleep(1000)

def leaves():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    print("started", child.pid, flush=True)
    return 3

def crashes():
    print("started", os.getpid(), flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)

print("code", run_supervised(globals()[sys.argv[1]], watch_fd=0), flush=True)
"""


def start(what: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROVIDER)},
    )
    assert process.stdout is not None
    status, _, pid = process.stdout.readline().strip().partition(" ")
    assert status == "started"
    return process, int(pid)


def has_ended(pid: int) -> bool:
    """Wait until a process has ended, which can take the system some time."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_a_step_exits_cleanly_on_eof() -> None:
    process, pid = start("waits")
    output, _ = process.communicate(timeout=120)  # closes the input
    assert output.splitlines() == ["clean exit", f"code {-signal.SIGTERM}"]
    assert has_ended(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_step_exits_cleanly_on_a_signal(number: signal.Signals) -> None:
    process, _ = start("waits")
    process.send_signal(number)
    assert process.stdout is not None
    assert process.stdout.read().splitlines() == ["clean exit", f"code {-signal.SIGTERM}"]
    process.communicate(timeout=120)


def test_a_step_that_ignores_signals_is_killed_with_its_children() -> None:
    process, child = start("stubborn")
    output, _ = process.communicate(timeout=120)
    assert output.splitlines() == [f"code {-signal.SIGTERM}"]
    assert has_ended(child)


def test_children_of_a_step_end_with_it() -> None:
    process, child = start("leaves")
    assert process.stdout is not None
    assert process.stdout.read() == "code 3\n"  # until all its writers have ended
    assert has_ended(child)
    process.communicate(timeout=120)


def test_the_supervisor_survives_a_crash() -> None:
    process, _ = start("crashes")
    assert process.stdout is not None
    assert process.stdout.read().splitlines() == [f"code {-signal.SIGSEGV}"]
    process.communicate(timeout=120)


def test_a_step_ends_with_its_supervisor() -> None:
    process, pid = start("waits")
    process.kill()
    process.communicate(timeout=120)  # its output ends when the step, too, has ended
    assert has_ended(pid)


def test_the_error_names_the_cause_of_death() -> None:
    assert type(signal_error(signal.SIGKILL)) is MlopsError  # a retry may have more memory
    assert "out of memory" in str(signal_error(signal.SIGKILL))
    assert type(signal_error(signal.SIGTERM)) is MlopsError
    assert type(signal_error(signal.SIGSEGV)) is BadInput
    assert "SIGSEGV" in str(signal_error(signal.SIGSEGV))
