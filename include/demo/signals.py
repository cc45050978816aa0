"""Signals of the demo's driver: each becomes KeyboardInterrupt, and none tears a start or a stop apart."""

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
    Turn SIGINT, SIGTERM and SIGHUP into KeyboardInterrupt for the length of the block.

    A driver that a shell started with ``&`` inherits an ignored SIGINT, so even SIGINT is set by hand here.
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
    Hold SIGINT, SIGTERM and SIGHUP back until the block has ended, then deliver the first one.

    For the moments when a stop must not tear things apart: between starting a process and noting that it was
    started, and while stopping (people press Ctrl-C twice). Outside the main thread this does nothing.
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
