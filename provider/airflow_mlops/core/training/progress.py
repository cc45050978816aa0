"""Signs of life of long work, in the task's log."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_mlops.core.training.memory import resident

log = logging.getLogger(__name__)

EVERY = 60.0


@contextmanager
def heartbeat(
    what: str,
    *,
    every: float = EVERY,
    say: Callable[..., None] = log.info,
    clock: Callable[[], float] = time.monotonic,
    over: threading.Event | None = None,
) -> Iterator[None]:
    """Say from time to time that the work is going on: ``fitting boosted: 60 s so far, 412 MB``.

    It comes from a thread of its own, so work that never lets go of Python's lock is silent all the same.

    :param what: such as ``fitting boosted``.
    :param every: seconds between two signs; work that is shorter says nothing.
    :param say: where to; called like ``logging``'s own.
    :param clock: gives seconds.
    :param over: waited on between two signs, and set when the work is over.
    """
    over = over or threading.Event()
    started = clock()

    def beat() -> None:
        while not over.wait(every):
            memory = resident()
            said = "" if memory is None else f", {memory / 1e6:.0f} MB"
            say("%s: %.0f s so far%s", what, clock() - started, said)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
