"""Progress messages of long-running work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_mlops.core.training.usage import resident_memory

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 60.0


@contextmanager
def heartbeat(
    activity: str,
    *,
    interval: float = INTERVAL_SECONDS,
    log_line: Callable[..., None] = log.info,
    clock: Callable[[], float] = time.monotonic,
    done: threading.Event | None = None,
) -> Iterator[None]:
    """Log at intervals that work is in progress: ``fitting boosted: 60 s so far, 412 MB``.

    The messages come from a separate thread, so work that never releases the GIL blocks them.

    :param activity: such as ``fitting boosted``.
    :param interval: seconds between two messages; shorter work logs none.
    :param log_line: writes a message; called like ``logging``'s own functions.
    :param clock: returns seconds.
    :param done: waited on between two messages, and set when the work has ended.
    """
    done = done or threading.Event()
    started = clock()

    def log_progress() -> None:
        while not done.wait(interval):
            memory = resident_memory()
            usage = "" if memory is None else f", {memory / 1e6:.0f} MB"
            log_line("%s: %.0f s so far%s", activity, clock() - started, usage)

    thread = threading.Thread(target=log_progress, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
