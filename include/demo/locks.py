"""Folder lock: only one demo may run in a checkout."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class FolderInUseError(RuntimeError):
    """Another driver, still alive, uses the folder."""


class FolderLock:
    """
    An advisory lock next to a folder. The kernel releases it when the process dies, so it is never stale.

    :param folder: the folder to guard; the lock file is ``<folder>.lock`` next to it
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder.with_name(folder.name + ".lock")
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """
        Acquire the lock, or raise immediately.

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
        """Release the lock. The file stays, since removing it would race with a waiting driver."""
        if self._file is not None:
            self._file.close()
            self._file = None
