"""Measuring a child process: what it took as the kernel counted it, not as it says itself.

A child's peak memory starts at what its parent had when it forked, so the process that measures imports nothing
but the standard library.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.threads import single_thread_environment

MAX_SECONDS = 3600.0  # seconds until a child is stopped


@dataclass(frozen=True, slots=True)
class Usage:
    """What a child took.

    :param cpu_s: seconds of processor time, its own and the kernel's for it.
    :param wall_s: seconds on the clock.
    :param peak_mb: the most memory it had, in 10^6 bytes.
    :param said: the JSON object of its last line.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    said: Mapping[str, Any]


class CommandFailed(Exception):
    """A child ended with an error, or not at all."""


def measure_command(command: Sequence[str], folder: Path) -> Usage:
    """Run a child and measure it.

    :param command: what to run.
    :param folder: where.
    :raises Failed: when it ends with an error or is stopped; has the end of what it wrote.
    """
    began = time.perf_counter()
    child = subprocess.Popen(
        command,
        cwd=folder,
        env=single_thread_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    alarm = threading.Timer(MAX_SECONDS, child.kill)
    alarm.start()
    try:
        assert child.stdout is not None
        written = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
    finally:
        alarm.cancel()
    wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise CommandFailed(f"exit code {child.returncode}: {written[-800:]}")
    said = json.loads((written.strip().splitlines() or ["{}"])[-1])
    return Usage(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024 / 1e6, said)


def median_usage(usages: Sequence[Usage], imports: Sequence[Usage]) -> Usage:
    """Return the median of each figure, times beyond those of the imports alone.

    :param usages: runs of the task.
    :param imports: runs of a child that only imports the same; none to take nothing away.
    """
    base_cpu = statistics.median(u.cpu_s for u in imports) if imports else 0.0
    base_wall = statistics.median(u.wall_s for u in imports) if imports else 0.0
    return Usage(
        max(0.0, statistics.median(u.cpu_s for u in usages) - base_cpu),
        max(0.0, statistics.median(u.wall_s for u in usages) - base_wall),
        statistics.median(u.peak_mb for u in usages),
        usages[-1].said,
    )
