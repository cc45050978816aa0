"""Measuring work in forks of a warm process, as an executor runs tasks: what has been imported costs a fork nothing."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psutil


class ForkError(Exception):
    """The work in a fork failed; has its traceback."""


def run_forked(work: Callable[[], Any]) -> Any:
    """Do work in a fork of this process, and give what it gave, which has to be JSON.

    :raises Broken: when it fails, or this process has threads: a fork of it might hang. Those of the allocators of
        Arrow and Polars, which their imports start, know of forks.
    """
    if (threads := threading.active_count()) > 1:
        raise ForkError(f"this process has {threads} threads, so forks of it are not safe")
    reading, writing = os.pipe()
    gc.freeze()
    child = os.fork()
    if child == 0:
        os.close(reading)
        told = _told(work)
        with open(writing, "w") as pipe:
            pipe.write(json.dumps(told))
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    told = json.loads(said or '{"broken": "the fork died"}')
    if "broken" in told:
        raise ForkError(told["broken"])
    return told["given"]


def _told(work: Callable[[], Any]) -> dict[str, Any]:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    try:
        return {"given": work()}
    except BaseException:
        return {"broken": traceback.format_exc()[-3000:]}


def used_modules(works: Iterable[Callable[[], Any]]) -> list[str]:
    """Do pieces of work, each in a fork, and name the modules that they import."""
    found: set[str] = set()
    for work in works:

        def names(work: Callable[[], Any] = work) -> list[str]:
            work()
            return list(sys.modules)

        found.update(run_forked(names))
    return sorted(found - sys.modules.keys())


def import_all(names: Iterable[str]) -> None:
    """Import modules; what cannot be imported by itself is left out."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        for name in names:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


class StageTimes:
    """What stretches of work took, by name: seconds of processor time, and on the clock.

    The time of all processes that the work starts counts, also of those that still live.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, tuple[float, float]] = {}

    @contextlib.contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Measure the block."""
        cpu, wall = processor_time(), time.perf_counter()
        yield
        self.seconds[name] = (processor_time() - cpu, time.perf_counter() - wall)


def processor_time() -> float:
    """Return the processor seconds of this process and of all that it has started, including ended ones."""
    reaped = os.times()
    total = time.process_time() + reaped.children_user + reaped.children_system
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
