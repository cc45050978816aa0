"""A step in a process of its own, below one that does nothing but look after it.

The looking process imports next to nothing and never holds Python's lock, so it always notices that nobody wants the
step any more: that its standard input has ended (whoever asked for the step is gone, by whatever kill), or that it was
told to end. And when the step's own process dies, of too little memory or in native code, it says so.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from airflow_mlops.core.errors import BadInput, MlopsError

GRACE = 30.0
"""Seconds that a step has, once it is told to end, to close its MLflow run."""
_DEATH_SIGNAL = 1  # prctl(2)
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def supervised(work: Callable[[], int], *, wanted: int | None) -> int:
    """Do something in a process of its own, and end it when nobody wants it any more.

    :param work: what to do; gives the exit code.
    :param wanted: a file descriptor whose end says that nobody wants it; ``None``: only a signal says so.
    :returns: its exit code, negative for the signal that it died of, or was told to end by.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    signals = _heard()
    parent, child = os.getpid(), os.fork()
    if child == 0:
        _begin(parent, wanted)
        sys.exit(work())
    return _look_after(child, signals, wanted)


def died(signal_number: int) -> MlopsError:
    """Give the error for a step whose process died of a signal."""
    if signal_number == signal.SIGKILL:  # a retry may have more memory
        return MlopsError(
            "the step's process was killed",
            mend="most often there was no memory left: give the container or the machine more, or the step fewer rows",
        )
    if signal_number in _ENDING:
        return MlopsError("the step was told to end before it was done")
    return BadInput(
        f"the step's process died of {signal.Signals(signal_number).name}",
        mend="the model's own code, or a library of the environment that it runs in, is broken",
    )


def _heard() -> socket.socket:
    """Give what tells of signals: the byte of each is its number."""
    heard, telling = socket.socketpair()
    heard.setblocking(False)
    telling.setblocking(False)
    signal.set_wakeup_fd(telling.detach(), warn_on_full_buffer=False)
    for number in (*_ENDING, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return heard


def _begin(parent: int, wanted: int | None) -> None:
    """Be the step's process: in a group of its own, ending with its parent, and orderly when it is told to."""
    signal.set_wakeup_fd(-1)
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in _ENDING:
        signal.signal(number, _end_orderly)
    if wanted is not None:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, wanted)


def _end_orderly(number: int, _: object) -> NoReturn:
    for one in _ENDING:
        signal.signal(one, signal.SIG_IGN)  # what it does at its end is not to be interrupted
    raise SystemExit(128 + number)


def _look_after(child: int, signals: socket.socket, wanted: int | None) -> int:
    looked = selectors.DefaultSelector()
    looked.register(signals, selectors.EVENT_READ)
    if wanted is not None:
        looked.register(wanted, selectors.EVENT_READ)
    last: float | None = None  # when its grace is over
    while True:
        for key, _ in looked.select(None if last is None else max(0.0, last - time.monotonic())):
            if key.fileobj is signals:
                ends = bool(set(signals.recv(4096)) & set(_ENDING))
            else:
                ends = not os.read(key.fd, 4096)
                if ends:
                    looked.unregister(key.fileobj)
            if ends and last is None:
                last = time.monotonic() + GRACE
                os.kill(child, signal.SIGTERM)
        if last is not None and time.monotonic() >= last:
            _kill_group(child)
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _kill_group(child)  # what it has left running
            code = os.waitstatus_to_exitcode(status)
            return -signal.SIGTERM if last is not None and code else code


def _kill_group(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
