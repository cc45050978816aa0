"""Fork server of model processes: a single-threaded process with the required modules imported.

Forking a process with threads is unsafe: locks held by other threads stay locked for ever, and OpenMP's threads are
lost. Model processes are therefore forked from a server that has one thread and never predicts. The server is forked
from the task if the task has one thread and has imported the modules (milliseconds); otherwise it is a new program.
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

from airflow_mlops.common.imports import import_without_warnings

FORK_SERVER_MODULE = "airflow_mlops.core.models.isolated.client"
PRELOADED_MODULES = ("numpy", "pandas", "pyarrow", "sklearn.pipeline", "skops.io")
ENV_NAMES = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD")
ENV_PREFIXES = ("LC_", "OMP_", "OPENBLAS_", "MKL_", "BLIS_", "GOTO_", "KMP_", "NUMEXPR_", "CUDA_VISIBLE", "MALLOC_")
POLL_SECONDS = 1.0  # seconds between checks that the task is still running

_lock = threading.Lock()
_server: tuple[int, socket.socket] | None = None


def worker_environment() -> dict[str, str]:
    """Return the environment of a model's process: an allowlist, so that no secret is passed on."""
    variables = {
        name: value for name, value in os.environ.items() if name in ENV_NAMES or name.startswith(ENV_PREFIXES)
    }
    # The same import path as this process, but not the working directory.
    return {**variables, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONDONTWRITEBYTECODE": "1"}


def spawn_worker() -> tuple[socket.socket, int]:
    """Spawn a model process; return its channel, and a pipe from which its exit code can be read.

    Closing the pipe ends the process.
    """
    ours, theirs = socket.socketpair()
    exit_reader, exit_writer = os.pipe()
    try:
        with _lock:
            for retry in (True, False):
                try:
                    _send_files(_server_channel(), theirs.fileno(), exit_writer)
                    break
                except OSError:  # the server was killed: start another one
                    _close_server()
                    if not retry:
                        raise
    except BaseException:
        ours.close()
        os.close(exit_reader)
        raise
    finally:
        theirs.close()
        os.close(exit_writer)
    return ours, exit_reader


def _send_files(server: socket.socket, *files: int) -> None:
    server.sendmsg([b"m"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))])


def _server_channel() -> socket.socket:
    """Return the control channel of this process's fork server; one inherited by a fork is the parent's."""
    global _server
    if _server is not None and _server[0] != os.getpid():
        _close_server()
    if _server is None:
        ours, theirs = socket.socketpair()
        try:
            _fork_from_task(theirs) if can_fork() else _start_program(theirs)
        finally:
            theirs.close()
        _server = (os.getpid(), ours)
    return _server[1]


@atexit.register
def _close_server() -> None:
    """Close the control channel, which ends the fork server."""
    global _server
    if _server is not None:
        _server[1].close()
        _server = None


def can_fork() -> bool:
    """Check whether this process can be forked safely, and has imported the required modules."""
    threads = Path("/proc/self/task")
    return (
        threads.is_dir()
        and threading.active_count() == 1
        and len(list(threads.iterdir())) == 1
        and all(name in sys.modules for name in PRELOADED_MODULES)
    )


def _start_program(control: socket.socket) -> None:
    number = control.fileno()
    command = [sys.executable, "-P", "-m", FORK_SERVER_MODULE, str(number)]
    _children[:] = [child for child in _children if child.poll() is None]
    _children.append(
        subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[number], env=worker_environment())  # noqa: S603
    )


_children: list[subprocess.Popen[bytes]] = []  # referenced, because Popen warns when a running child is dropped


def _fork_from_task(control: socket.socket) -> None:
    variables, parent = worker_environment(), os.getpid()
    if os.fork():
        return
    try:
        gc.freeze()  # do not finalise the task's objects here: database connections would be closed
        _drop_inherited(control.fileno(), variables)
        run_fork_server(control, parent)
    finally:
        os._exit(0)


def _drop_inherited(control: int, variables: Mapping[str, str]) -> None:
    """Drop what the fork inherited from the task: signals, open files, environment and log handlers."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    null_device = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null_device, 0)  # Airflow's channel to the task's supervisor
    _close_other_files(control)
    _wipe_environment()
    os.environ.clear()
    os.environ.update(variables)
    sys.stdout, sys.stderr = sys.__stdout__ or sys.stdout, sys.__stderr__ or sys.stderr
    logging.root.handlers[:] = [logging.StreamHandler()]


def _close_other_files(keep: int) -> None:
    os.closerange(3, keep)
    os.closerange(keep + 1, min(os.sysconf("SC_OPEN_MAX"), 1 << 20))


def _wipe_environment() -> None:
    """Overwrite the initial environment of this process, which Linux shows in /proc/<pid>/environ."""
    with contextlib.suppress(ValueError, AttributeError):
        block = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
        index = 0
        while block and (text := block[index]) is not None:
            address = ctypes.cast(block, ctypes.POINTER(ctypes.c_void_p))[index]
            ctypes.memset(address, 0, len(text))
            index += 1


def main(number: int) -> None:
    """Run a fork server as a program.

    :param number: the file descriptor of the control channel.
    """
    parent = os.getppid()
    for name in PRELOADED_MODULES:
        import_without_warnings(name)
    run_fork_server(socket.socket(fileno=number), parent)


def run_fork_server(control: socket.socket, parent: int) -> None:
    """Fork a process per request and report how each ended, as long as the task is running."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    selector, exit_writers = selectors.DefaultSelector(), dict[int, int]()  # process id -> pipe for its exit code
    selector.register(control, selectors.EVENT_READ)
    wakeup_reader = _open_wakeup()
    selector.register(wakeup_reader, selectors.EVENT_READ)
    while os.getppid() == parent:
        for key, _ in selector.select(POLL_SECONDS):
            if key.fileobj is control:
                files = _receive_files(control)
                if files is None:
                    return  # the model processes end with this one
                _fork_worker(*files, selector, exit_writers)
            elif key.fileobj is wakeup_reader:
                wakeup_reader.recv(4096)
            elif key.data in exit_writers:  # the task has closed the pipe
                with contextlib.suppress(ProcessLookupError):
                    os.kill(key.data, signal.SIGKILL)
        _reap_workers(selector, exit_writers)


def _open_wakeup() -> socket.socket:
    """Return a socket that becomes readable when a child has ended."""
    wakeup_reader, wakeup_writer = socket.socketpair()
    wakeup_reader.setblocking(False)
    wakeup_writer.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup_writer.detach(), warn_on_full_buffer=False)
    return wakeup_reader


def _receive_files(control: socket.socket) -> tuple[int, int] | None:
    _, files, _, _ = socket.recv_fds(control, 1, 2)
    return (files[0], files[1]) if len(files) == 2 else None


def _fork_worker(
    channel: int, exit_writer: int, selector: selectors.BaseSelector, exit_writers: dict[int, int]
) -> None:
    from airflow_mlops.core.models.isolated.worker import run_worker

    parent = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _close_other_files(channel)
            run_worker(socket.socket(fileno=channel), parent)
        finally:
            os._exit(0)
    os.close(channel)
    exit_writers[child] = exit_writer
    selector.register(exit_writer, selectors.EVENT_READ, child)  # signals when the reading end is closed


def _reap_workers(selector: selectors.BaseSelector, exit_writers: dict[int, int]) -> None:
    """Write the exit codes of ended workers to their pipes."""
    while exit_writers:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        if (exit_writer := exit_writers.pop(child, None)) is not None:
            selector.unregister(exit_writer)
            with contextlib.suppress(OSError):
                os.write(exit_writer, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(exit_writer)
