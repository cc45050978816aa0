"""Errors that say what is wrong, where, and how to mend it."""

from __future__ import annotations

from functools import partial
from typing import Any


class MlopsError(Exception):
    """The base of every error that this package raises on purpose.

    :param what: what is wrong, in one sentence.
    :param where: the file, column, table, connection or task in which it was found.
    :param mend: what a person can do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, mend: str | None = None) -> None:
        self.what, self.where, self.mend = what, where, mend
        lines = [what]
        if where:
            lines.append(f"  where: {where}")
        if mend:
            lines.append(f"  mend:  {mend}")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the parts apart when it comes out of another process."""
        return partial(type(self), where=self.where, mend=self.mend), (self.what,)


class BadInput(MlopsError):
    """Data, a file or a parameter that cannot be used as it is."""


class NotFound(MlopsError):
    """Something that is named but does not exist: a snapshot, a version, a champion."""


class Conflict(MlopsError):
    """Somebody else was first: the state that this step was decided on has changed."""


class Superseded(Conflict):
    """A later attempt of the same task has taken over: this one may publish nothing more, and must not be retried."""


class Refused(MlopsError):
    """A guard forbids the step: evidence is missing, data is older, a digest does not match."""


class StoreNotReady(MlopsError):
    """The lifecycle store cannot be used: unreachable, or not migrated."""
