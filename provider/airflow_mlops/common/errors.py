"""Exceptions of the package: what is wrong, where, and a hint."""

from __future__ import annotations

from functools import partial
from typing import Any


class MlopsError(Exception):
    """Base class of every error that this package raises on purpose.

    :param what: what is wrong, in one sentence.
    :param where: the file, column, table, connection or task.
    :param hint: the hint: how to fix it.
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what, self.where, self.hint = what, where, hint
        lines = [what]
        if where:
            lines.append(f"  where: {where}")
        if hint:
            lines.append(f"  hint:  {hint}")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the parts separately, so that they survive a process boundary."""
        return partial(type(self), where=self.where, hint=self.hint), (self.what,)


class BadInput(MlopsError):
    """Invalid data, file or parameter; a retry does not help."""


class NotFound(MlopsError):
    """A referenced object does not exist: a snapshot, a version, a champion."""


class Conflict(MlopsError):
    """The state that the step was based on was changed by another writer."""


class Superseded(Conflict):
    """A later attempt of the same task has taken over; this one must neither publish nor retry."""


class Refused(MlopsError):
    """A guard rejects the step: missing evidence, older data or a digest mismatch."""


class StoreNotReady(MlopsError):
    """The lifecycle store is unreachable or not migrated."""
