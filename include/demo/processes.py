"""Find and terminate every process of a demo, also those outside its process group."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

MARKER = "AIRFLOW_MLOPS_DEMO_HOME"
"""Environment variable that every process of a stack inherits. Tasks move to their own process groups
(``setpgid``) and some operators to their own sessions, so neither a group nor a parent finds them all."""


def members(home: Path) -> list[psutil.Process]:
    """
    Return this user's processes that carry the marker of this home, except the calling one.

    :param home: the AIRFLOW_HOME that marks them
    """
    marker = str(home)
    matches = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARKER) == marker:
                matches.append(process)
        except (psutil.Error, OSError):
            continue  # gone, a zombie, or of another user
    return matches


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """
    Send a signal to each process that still exists.

    :param processes: the processes
    :param number: the signal
    """
    for process in processes:
        try:
            process.send_signal(number)
        except (psutil.Error, OSError):
            continue


def wait_until_gone(remaining: Callable[[], list[psutil.Process]], seconds: float) -> list[psutil.Process]:
    """
    Wait until no process is remaining_processes, or until the timeout.

    :param remaining: lists the remaining processes; called every tenth of a second, since a dying process may fork
    :param seconds: how long to wait
    :return: the processes that are still there
    """
    deadline = time.monotonic() + seconds
    while (remaining_processes := remaining()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return remaining_processes


def end_all(home: Path, term_seconds: float = 5.0, kill_seconds: float = 10.0) -> list[int]:
    """
    Terminate every process of this home: SIGTERM first, then SIGKILL.

    :param home: the AIRFLOW_HOME that marks them
    :param term_seconds: how long a SIGTERM may take
    :param kill_seconds: how long the kernel may take after a SIGKILL
    :return: ids of processes that survived SIGKILL; normally empty
    """
    remaining_processes = members(home)
    if not remaining_processes:
        return []
    send(remaining_processes, signal.SIGTERM)
    remaining_processes = wait_until_gone(lambda: members(home), term_seconds)
    deadline = time.monotonic() + kill_seconds
    while remaining_processes and time.monotonic() < deadline:
        send(remaining_processes, signal.SIGKILL)
        remaining_processes = wait_until_gone(lambda: members(home), 0.5)
    return [process.pid for process in remaining_processes]


def proportional_memory(home: Path) -> int:
    """
    Return the memory of all processes of this home in bytes: proportional set size, so shared pages count once.

    Falls back to the resident set size where the system does not report the proportional one.

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
