"""Find and end every process of a demo, also those that left its process group or lost their parent."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

MARKER = "AIRFLOW_MLOPS_DEMO_HOME"
"""Environment variable that every process of a stack inherits. Tasks move to process groups of their own
(``setpgid``) and some operators to sessions of their own, so neither a group nor a parent finds them all."""


def members(home: Path) -> list[psutil.Process]:
    """
    Processes, of this user, that carry the marker of this home, except the calling one.

    :param home: the AIRFLOW_HOME that marks them
    """
    wanted = str(home)
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARKER) == wanted:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone already, a zombie, or somebody else's
    return found


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """
    Send a signal to each process that still exists.

    :param processes: whom
    :param number: which signal
    """
    for process in processes:
        try:
            process.send_signal(number)
        except (psutil.Error, OSError):
            continue


def wait_until_gone(remaining: Callable[[], list[psutil.Process]], seconds: float) -> list[psutil.Process]:
    """
    Wait until no process is left, at most so long.

    :param remaining: lists what is left; asked again every tenth of a second, since a dying process may fork
    :param seconds: how long to wait
    :return: what is still there, empty when all are gone
    """
    deadline = time.monotonic() + seconds
    while (left := remaining()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def end_all(home: Path, term_seconds: float = 5.0, kill_seconds: float = 10.0) -> list[int]:
    """
    End every process of this home: SIGTERM first, SIGKILL for what stays.

    :param home: the AIRFLOW_HOME that marks them
    :param term_seconds: how long a SIGTERM may take
    :param kill_seconds: how long the kernel may take after a SIGKILL
    :return: process ids that survived even that (a process stuck in the kernel); normally empty
    """
    left = members(home)
    if not left:
        return []
    send(left, signal.SIGTERM)
    left = wait_until_gone(lambda: members(home), term_seconds)
    deadline = time.monotonic() + kill_seconds
    while left and time.monotonic() < deadline:
        send(left, signal.SIGKILL)
        left = wait_until_gone(lambda: members(home), 0.5)
    return [process.pid for process in left]


def proportional_memory(home: Path) -> int:
    """
    Memory of all processes of this home in bytes: proportional set size, so shared pages count once.

    Falls back to the resident set size where the system does not tell the proportional one.

    :param home: the AIRFLOW_HOME that marks them
    """
    total = 0
    for process in members(home):
        try:
            info = process.memory_full_info()
            total += getattr(info, "pss", info.rss)
        except (psutil.Error, OSError):
            continue
    return total
