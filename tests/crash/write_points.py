"""What a process writes for good: each durable write is counted, and at any of them the process can be ended.

Durable are commits through SQLAlchemy that change something (the lifecycle store's, and those of MLflow's own store),
and what Python does to files below one folder: make, open for writing, close after writing, rename, link, remove.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Moment = Literal["before", "after"]
# kill: SIGKILL; stop: SIGSTOP, as a worker that is frozen or cut off; full: this write and all later ones find the
# disk full; down: from here on the lifecycle store cannot be reached.
Act = Literal["kill", "stop", "full", "down"]
DATABASES = (".db", ".db-wal", ".db-shm", ".db-journal")


@dataclass(frozen=True)
class Fault:
    """What happens to an attempt.

    :param number: at which durable write, from 1 on.
    :param moment: right before it, or right after it.
    """

    number: int
    moment: Moment = "after"
    act: Act = "kill"

    def __str__(self) -> str:
        return f"{'-' if self.moment == 'before' else ''}{self.number}{'' if self.act == 'kill' else self.act}"

    @classmethod
    def read(cls, text: str) -> Fault:
        """Read what ``str`` wrote: ``7`` is a kill after the seventh write, ``-7`` one before it, ``7stop`` a stop."""
        act = text.lstrip("-0123456789")
        number = text[: len(text) - len(act)]
        return cls(abs(int(number)), "before" if number.startswith("-") else "after", act or "kill")  # type: ignore[arg-type]


class WriteMonitor:
    """Counts the durable writes of this process, and lets a fault happen.

    :param folder: files below it count.
    :param trace: an open file's number: a line for each write.
    :param fault: what happens, if anything.
    """

    def __init__(self, folder: Path, trace: int, fault: Fault | None) -> None:
        self.folder, self.trace, self.fault = f"{folder}{os.sep}", trace, fault
        self.count = 0
        self._broken: Act | None = None
        self._changes: dict[int, tuple[str, int]] = {}
        self._write, self._kill, self._pid = os.write, os.kill, os.getpid()
        self._open = builtins.open

    def durable(self, kind: str, what: str, act: Callable[[], Any]) -> Any:
        """Do a durable write, and what has to happen before or after it."""
        self.count += 1
        number = self.count
        self._write(self.trace, f"{number} {kind} {what}\n".encode())
        self._at(number, "before")
        if self._broken == "full":
            raise _full(kind)
        given = act()
        self._at(number, "after")
        return given

    def _at(self, number: int, moment: Moment) -> None:
        if self.fault is None or (self.fault.number, self.fault.moment) != (number, moment):
            return
        if self.fault.act in ("kill", "stop"):
            self._kill(self._pid, signal.SIGKILL if self.fault.act == "kill" else signal.SIGSTOP)
        else:
            self._broken = self.fault.act

    def arm(self) -> None:
        """Put the counting in place; a process does it once, and for good."""
        self._arm_files()
        self._arm_commits()

    # files

    def _arm_files(self) -> None:
        for name in ("mkdir", "rmdir", "unlink", "remove", "rename", "replace", "link", "symlink"):
            setattr(os, name, self._counted(name, getattr(os, name)))
        for module in (builtins, io):
            module.open = self._opened  # type: ignore[attr-defined]

    def _counted(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **how: Any) -> Any:
            target = rest[0] if name in ("rename", "replace", "link", "symlink") and rest else path
            where = self._inside(target, how.get("dir_fd"))
            if where is None:
                return original(path, *rest, **how)
            return self.durable(name, where, lambda: original(path, *rest, **how))

        return call

    def _opened(self, file: Any, mode: str = "r", *rest: Any, **how: Any) -> Any:
        where = self._inside(file) if any(letter in mode for letter in "wax+") else None
        if where is None:
            return self._open(file, mode, *rest, **how)
        return _Written(self, where, self.durable("open", where, lambda: self._open(file, mode, *rest, **how)))

    def _inside(self, path: Any, dir_fd: int | None = None) -> str | None:
        """Return a path below the folder, and nothing for one outside of it."""
        if not isinstance(path, (str, bytes, os.PathLike)):
            return None
        base = os.getcwd() if dir_fd is None else os.readlink(f"/proc/self/fd/{dir_fd}")
        full = os.path.normpath(os.path.join(base, os.fsdecode(path)))
        if not full.startswith(self.folder) or full.endswith(DATABASES):
            return None
        return full.removeprefix(self.folder)

    # commits

    def _arm_commits(self) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine.default import DefaultDialect
        from sqlalchemy.pool import Pool

        commit: Any = DefaultDialect.do_commit
        connect: Any = DefaultDialect.connect

        def opened(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA synchronous=OFF")  # the machine does not go down, only the process
            name = Path(connection.execute("PRAGMA database_list").fetchone()[2]).stem
            self._changes[id(connection)] = (name, connection.total_changes)

        def do_commit(dialect: Any, connection: Any) -> Any:
            own = getattr(connection, "dbapi_connection", connection)
            name, before = self._changes.get(id(own), ("an unknown database", -1))
            if own.total_changes == before:
                return commit(dialect, connection)
            self._changes[id(own)] = (name, own.total_changes)
            return self.durable("commit", name, lambda: commit(dialect, connection))

        def do_connect(dialect: Any, *args: Any, **how: Any) -> Any:
            if self._broken == "down" and str(args[0] if args else "").endswith("store.db"):
                raise sqlite3.OperationalError("unable to open database file")
            return connect(dialect, *args, **how)

        event.listen(Pool, "connect", opened)
        for name, put in (("do_commit", do_commit), ("connect", do_connect)):
            setattr(DefaultDialect, name, put)


class _Written:
    """A file that was opened for writing: closing it is a durable write."""

    def __init__(self, watch: WriteMonitor, where: str, file: Any) -> None:
        self._watch, self._where, self._file = watch, where, file

    def close(self) -> None:
        if not self._file.closed:
            self._watch.durable("close", self._where, self._file.close)

    def __enter__(self) -> _Written:
        self._file.__enter__()
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __iter__(self) -> Any:
        return iter(self._file)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _full(kind: str) -> Exception:
    if kind == "commit":
        return sqlite3.OperationalError("database or disk is full")
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
