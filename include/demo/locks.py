"""One driver a folder: a second `make demo` in a checkout must not pull the rug from under the first."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class FolderInUseError(RuntimeError):
    """Another driver, still alive, uses the folder."""


class FolderLock:
    """
    An advisory lock beside a folder. The kernel drops it when its holder dies, so it is never stale.

    :param folder: the folder to guard; the lock file is ``<folder>.lock`` beside it
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder.with_name(folder.name + ".lock")
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """
        Take the lock, or raise at once.

        :raises FolderInUseError: when another process holds it
        """
        if self._file is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise FolderInUseError(
                f"{self._folder} is in use by process {holder}. Stop that demo first (Ctrl-C in its "
                "terminal), or run this one in another checkout."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back; the file stays, since removing it would race with a waiting driver."""
        if self._file is not None:
            self._file.close()
            self._file = None
