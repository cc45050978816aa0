"""Signal handling of the demo's driver."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(f"received {signal.Signals(number).name}")


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """
    Turn SIGINT, SIGTERM and SIGHUP into KeyboardInterrupt within the block.

    A driver that a shell started with ``&`` inherits an ignored SIGINT, so SIGINT is set here too.
    Outside the main thread, where Python allows no handlers, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """
    Defer SIGINT, SIGTERM and SIGHUP until the block has ended, then deliver the first one.

    For sections that must not be interrupted: between starting a process and recording it, and while stopping
    (people press Ctrl-C twice). Outside the main thread this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    before = {number: signal.signal(number, lambda number, frame: received.append(number)) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])
