"""Where the processes of models come from: a process with one thread that has imported what every model needs.

A process with threads cannot be forked safely: locks that another thread holds stay locked for ever, and the threads
of OpenMP are gone. So the models' processes are forked from one that has no threads and never predicts itself. It is
forked from the task where that has one thread only and has imported everything already, as in a warm worker, which
costs milliseconds; else it is a new program, which has to import.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import ctypes
import gc
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from airflow_mlops.core.imports import import_quietly

PROGRAM = "airflow_mlops.core.registry.model_process"
NEEDED = ("numpy", "pandas", "pyarrow", "sklearn.pipeline", "skops.io")
KEPT = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD")
KEPT_BEGINNINGS = ("LC_", "OMP_", "OPENBLAS_", "MKL_", "BLIS_", "GOTO_", "KMP_", "NUMEXPR_", "CUDA_VISIBLE", "MALLOC_")
LOOK = 1.0  # seconds between looks at whether the task is still there

_lock = threading.Lock()
_own: tuple[int, socket.socket] | None = None


def environment() -> dict[str, str]:
    """Give what of the environment a model's process gets: named one by one, so that no secret is forgotten."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_BEGINNINGS)}
    # It finds the project's own modules where this process does, and nothing by its working directory.
    return {**kept, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONDONTWRITEBYTECODE": "1"}


def born() -> tuple[socket.socket, int]:
    """Make a new model's process; gives the channel to it, and a pipe that tells how it ended.

    Whoever closes the pipe ends the process.
    """
    ours, theirs = socket.socketpair()
    told, telling = os.pipe()
    try:
        with _lock:
            for again in (True, False):
                try:
                    _send(_nursery(), theirs.fileno(), telling)
                    break
                except OSError:  # it was killed: another one
                    _forget()
                    if not again:
                        raise
    except BaseException:
        ours.close()
        os.close(told)
        raise
    finally:
        theirs.close()
        os.close(telling)
    return ours, told


def _send(nursery: socket.socket, *files: int) -> None:
    nursery.sendmsg([b"m"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))])


def _nursery() -> socket.socket:
    """Give the control channel of this process' nursery; one that a fork has left here is the parent's."""
    global _own
    if _own is not None and _own[0] != os.getpid():
        _forget()
    if _own is None:
        ours, theirs = socket.socketpair()
        try:
            _fork(theirs) if may_fork() else _spawn(theirs)
        finally:
            theirs.close()
        _own = (os.getpid(), ours)
    return _own[1]


@atexit.register
def _forget() -> None:
    """Let the nursery go: it ends when nobody is at the other end."""
    global _own
    if _own is not None:
        _own[1].close()
        _own = None


def may_fork() -> bool:
    """Tell whether this process can be forked safely, and has imported what that would spare."""
    threads = Path("/proc/self/task")
    return (
        threads.is_dir()
        and threading.active_count() == 1
        and len(list(threads.iterdir())) == 1
        and all(name in sys.modules for name in NEEDED)
    )


def _spawn(control: socket.socket) -> None:
    number = control.fileno()
    command = [sys.executable, "-P", "-m", PROGRAM, str(number)]
    _children[:] = [child for child in _children if child.poll() is None]
    _children.append(
        subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[number], env=environment())  # noqa: S603
    )


_children: list[subprocess.Popen[bytes]] = []  # Popen would complain of one that it loses while it runs


def _fork(control: socket.socket) -> None:
    kept, parent = environment(), os.getpid()
    if os.fork():
        return
    try:
        gc.freeze()  # what the task has made is not taken apart here: a connection would say goodbye to its database
        _strip(control.fileno(), kept)
        run(control, parent)
    finally:
        os._exit(0)


def _strip(control: int, kept: Mapping[str, str]) -> None:
    """Give up what a fork has of the task: signals, open files, the environment, where its log goes."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # Airflow's channel to the task's supervisor
    _close_all_but(control)
    _wipe()
    os.environ.clear()
    os.environ.update(kept)
    sys.stdout, sys.stderr = sys.__stdout__ or sys.stdout, sys.__stderr__ or sys.stderr
    logging.root.handlers[:] = [logging.StreamHandler()]


def _close_all_but(kept: int) -> None:
    os.closerange(3, kept)
    os.closerange(kept + 1, min(os.sysconf("SC_OPEN_MAX"), 1 << 20))


def _wipe() -> None:
    """Overwrite the environment that this process was started with: Linux shows it in /proc/<pid>/environ."""
    with contextlib.suppress(ValueError, AttributeError):
        block = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
        at = 0
        while block and (text := block[at]) is not None:
            address = ctypes.cast(block, ctypes.POINTER(ctypes.c_void_p))[at]
            ctypes.memset(address, 0, len(text))
            at += 1


def main(number: int) -> None:
    """Be a nursery, as a program.

    :param number: the file descriptor of the control channel.
    """
    parent = os.getppid()
    for name in NEEDED:
        import_quietly(name)
    run(socket.socket(fileno=number), parent)


def run(control: socket.socket, parent: int) -> None:
    """Fork a process for each model that is asked for, and tell how each ended, as long as the task is there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch, alive = selectors.DefaultSelector(), dict[int, int]()  # process -> the pipe that tells how it ended
    watch.register(control, selectors.EVENT_READ)
    woken = _woken_by_ends()
    watch.register(woken, selectors.EVENT_READ)
    while os.getppid() == parent:
        for key, _ in watch.select(LOOK):
            if key.fileobj is control:
                files = _asked(control)
                if files is None:
                    return  # and the models' processes end with this one
                _bear(*files, watch, alive)
            elif key.fileobj is woken:
                woken.recv(4096)
            elif key.data in alive:  # nobody wants it any more
                with contextlib.suppress(ProcessLookupError):
                    os.kill(key.data, signal.SIGKILL)
        _bury(watch, alive)


def _woken_by_ends() -> socket.socket:
    """Give what can be read from as soon as a child has ended."""
    woken, waking = socket.socketpair()
    woken.setblocking(False)
    waking.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking.detach(), warn_on_full_buffer=False)
    return woken


def _asked(control: socket.socket) -> tuple[int, int] | None:
    _, files, _, _ = socket.recv_fds(control, 1, 2)
    return (files[0], files[1]) if len(files) == 2 else None


def _bear(channel: int, telling: int, watch: selectors.BaseSelector, alive: dict[int, int]) -> None:
    from airflow_mlops.core.registry.model_server import serve

    own = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _close_all_but(channel)
            serve(socket.socket(fileno=channel), own)
        finally:
            os._exit(0)
    os.close(channel)
    alive[child] = telling
    watch.register(telling, selectors.EVENT_READ, child)  # the writing end has news when the reading end is closed


def _bury(watch: selectors.BaseSelector, alive: dict[int, int]) -> None:
    """Tell how processes ended."""
    while alive:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        if (telling := alive.pop(child, None)) is not None:
            watch.unregister(telling)
            with contextlib.suppress(OSError):
                os.write(telling, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(telling)
