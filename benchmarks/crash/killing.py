"""One attempt in a process of its own, which says what it does and is killed (SIGKILL) after so many words."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

DEADLINE = 300.0  # seconds for an attempt to say something
DONE = "done"


class Killer:
    """Makes attempts.

    :param preload: modules that each attempt finds imported.
    """

    def __init__(self, preload: Sequence[str]) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(preload))

    def attempt(self, target: Callable[..., None], *given: Any, lines: int | None, wait: float) -> list[str]:
        """Run an attempt; return its messages, with ``done`` at the end unless it was killed.

        :param target: what it does; gets ``given`` and the connection to say something.
        :param lines: it is killed after it has said so many lines; None lets it come to its end.
        :param wait: and as many seconds at most after that, unless it says the next one.
        """
        reader, writer = self._context.Pipe(duplex=False)
        process = self._context.Process(target=target, args=(*given, writer))
        process.start()
        writer.close()
        said = _listened(reader, lines, wait)
        if DONE not in said:
            process.kill()
            said += _listened(reader, None, 0)
        process.join()
        if DONE not in said and process.exitcode != -9:
            raise SystemExit(f"an attempt ended by itself, with the exit code {process.exitcode}")
        return said


def _listened(reader: Connection, lines: int | None, more: float) -> list[str]:
    """Take what an attempt says, until it has said so many lines and waited a moment, or is over."""
    said: list[str] = []
    try:
        while lines is None or len(said) < lines:
            if not reader.poll(DEADLINE):
                raise SystemExit("an attempt says nothing any more")
            said.append(reader.recv_bytes().decode())
        reader.poll(more)
    except (EOFError, OSError):
        pass
    return said
