"""Supervision of a step that runs in a forked child process.

The supervisor imports little and never holds the GIL for long, so it always notices when to end the step: on a signal,
or on EOF of standard input, which means that the calling task is gone, however it was killed. When the child dies, by
the OOM killer or in native code, the supervisor reports it.
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

from airflow_mlops.common.errors import BadInput, MlopsError

GRACE_SECONDS = 30.0
"""Seconds that a step has to close its MLflow run after a request to end."""
_PR_SET_PDEATHSIG = 1  # prctl(2)
_END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run_supervised(work: Callable[[], int], *, watch_fd: int | None) -> int:
    """Run a function in a child process, and end it on a signal or on EOF.

    :param work: the function; returns the exit code.
    :param watch_fd: a file descriptor whose EOF ends the child; ``None``: only signals do.
    :return: the exit code; negative for the signal that killed or ended the child.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    signals = _signal_socket()
    parent, child = os.getpid(), os.fork()
    if child == 0:
        _prepare_child(parent, watch_fd)
        sys.exit(work())
    return _supervise(child, signals, watch_fd)


def signal_error(signal_number: int) -> MlopsError:
    """Return the error for a step whose process was killed by a signal."""
    if signal_number == signal.SIGKILL:  # a retry may have more memory
        return MlopsError(
            "the step's process was killed",
            hint="usually it ran out of memory: give the container or the machine more, or the step fewer rows",
        )
    if signal_number in _END_SIGNALS:
        return MlopsError("the step was stopped before it finished")
    return BadInput(
        f"the step's process died of {signal.Signals(signal_number).name}",
        hint="check the model's code and the libraries of its environment",
    )


def _signal_socket() -> socket.socket:
    """Return a socket that receives one byte, the signal's number, for each signal."""
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)
    signal.set_wakeup_fd(sender.detach(), warn_on_full_buffer=False)
    for number in (*_END_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return receiver


def _prepare_child(parent: int, watch_fd: int | None) -> None:
    """Set up the child: its own process group, killed with its parent, and a clean exit on signals."""
    signal.set_wakeup_fd(-1)
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in _END_SIGNALS:
        signal.signal(number, _exit_cleanly)
    if watch_fd is not None:
        devnull = os.open(os.devnull, os.O_RDONLY)
        os.dup2(devnull, watch_fd)


def _exit_cleanly(number: int, _: object) -> NoReturn:
    for end_signal in _END_SIGNALS:
        signal.signal(end_signal, signal.SIG_IGN)  # do not interrupt the cleanup
    raise SystemExit(128 + number)


def _supervise(child: int, signals: socket.socket, watch_fd: int | None) -> int:
    selector = selectors.DefaultSelector()
    selector.register(signals, selectors.EVENT_READ)
    if watch_fd is not None:
        selector.register(watch_fd, selectors.EVENT_READ)
    deadline: float | None = None  # the end of the grace period
    while True:
        for key, _ in selector.select(None if deadline is None else max(0.0, deadline - time.monotonic())):
            if key.fileobj is signals:
                stop = bool(set(signals.recv(4096)) & set(_END_SIGNALS))
            else:
                stop = not os.read(key.fd, 4096)
                if stop:
                    selector.unregister(key.fileobj)
            if stop and deadline is None:
                deadline = time.monotonic() + GRACE_SECONDS
                os.kill(child, signal.SIGTERM)
        if deadline is not None and time.monotonic() >= deadline:
            _kill_group(child)
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            _kill_group(child)  # its own children that still run
            code = os.waitstatus_to_exitcode(status)
            return -signal.SIGTERM if deadline is not None and code else code


def _kill_group(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
