"""A step's process ends when nobody wants it any more, and its end is told, whatever it died of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.run.supervising import died

PROVIDER = Path(__file__).resolve().parents[3] / "provider"
PROGRAM = """
import os, signal, subprocess, sys, time
from airflow_mlops.run.supervising import supervised
import airflow_mlops.run.supervising as module
module.GRACE = 0.5

def waits():
    try:
        print("begun", os.getpid(), flush=True)
        time.sleep(1000)
    finally:
        print("in good order", flush=True)
        time.sleep(0.1)

def stubborn():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    print("begun", child.pid, flush=True)
    time.sleep(1000)

def leaves():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    print("begun", child.pid, flush=True)
    return 3

def crashes():
    print("begun", os.getpid(), flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)

print("code", supervised(globals()[sys.argv[1]], wanted=0), flush=True)
"""


def started(what: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROVIDER)},
    )
    assert process.stdout is not None
    word, _, pid = process.stdout.readline().strip().partition(" ")
    assert word == "begun"
    return process, int(pid)


def gone(pid: int) -> bool:
    """Wait until a process has ended: it is told to at once, but the system takes its time."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_a_step_whose_asker_is_gone_ends_in_good_order() -> None:
    process, pid = started("waits")
    said, _ = process.communicate(timeout=120)  # closes the input
    assert said.splitlines() == ["in good order", f"code {-signal.SIGTERM}"]
    assert gone(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_step_that_is_told_to_end_does_so_in_good_order(number: signal.Signals) -> None:
    process, _ = started("waits")
    process.send_signal(number)
    assert process.stdout is not None
    assert process.stdout.read().splitlines() == ["in good order", f"code {-signal.SIGTERM}"]
    process.communicate(timeout=120)


def test_a_step_that_does_not_listen_is_killed_with_all_that_it_has_started() -> None:
    process, child = started("stubborn")
    said, _ = process.communicate(timeout=120)
    assert said.splitlines() == [f"code {-signal.SIGTERM}"]
    assert gone(child)


def test_what_a_step_leaves_running_ends_with_it() -> None:
    process, child = started("leaves")
    assert process.stdout is not None
    assert process.stdout.read() == "code 3\n"  # to its end, which is that of all who could write to it
    assert gone(child)
    process.communicate(timeout=120)


def test_a_step_that_crashes_is_survived() -> None:
    process, _ = started("crashes")
    assert process.stdout is not None
    assert process.stdout.read().splitlines() == [f"code {-signal.SIGSEGV}"]
    process.communicate(timeout=120)


def test_a_step_ends_with_what_looks_after_it() -> None:
    process, pid = started("waits")
    process.kill()
    process.communicate(timeout=120)  # its output ends when the step, too, has ended
    assert gone(pid)


def test_how_a_step_died_is_told_in_words() -> None:
    assert type(died(signal.SIGKILL)) is MlopsError  # a retry may have more memory
    assert "no memory left" in str(died(signal.SIGKILL))
    assert type(died(signal.SIGTERM)) is MlopsError
    assert type(died(signal.SIGSEGV)) is BadInput
    assert "SIGSEGV" in str(died(signal.SIGSEGV))
