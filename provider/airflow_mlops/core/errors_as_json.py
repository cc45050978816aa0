"""Errors across the border of a process: as JSON on the one side, raised on the other."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from airflow_mlops.core import errors
from airflow_mlops.core.errors import MlopsError

MOST_TOLD = 16_000
_OF_MORE_THAN_WORDS = (OSError, UnicodeError, ExceptionGroup)


def described(error: BaseException) -> dict[str, Any]:
    """Give an error as JSON.

    One of ours is told as the nearest of its classes that :mod:`airflow_mlops.core.errors` has: the other side may not
    know the others, and what cannot be mended by a retry is to stay so.
    """
    if isinstance(error, MlopsError):
        kind = next(one for one in type(error).__mro__ if _ours(one.__name__) is one)
        return {"type": kind.__name__, "what": error.what, "where": error.where, "mend": error.mend}
    return {"type": type(error).__name__, "what": str(error)[:MOST_TOLD], "where": None, "mend": None}


def in_words(error: BaseException) -> str:
    """Say an error that is none of ours, with its name."""
    return f"{type(error).__name__}: {error}"[:MOST_TOLD]


def ours(told: Mapping[str, Any]) -> MlopsError | None:
    """Give an error as it was, where it is one of ours.

    :param told: what :func:`described` gave, or whatever a process that cannot be trusted has made of it.
    """
    kind = _ours(str(told.get("type")))
    if kind is None:
        return None
    where, mend = (None if told.get(name) is None else str(told[name]) for name in ("where", "mend"))
    return kind(str(told.get("what")), where=where, mend=mend)


def as_raised(told: Mapping[str, Any]) -> Exception:
    """Give an error as it was where it is one of ours or of Python's own, else one that has its name in its words."""
    if (found := ours(told)) is not None:
        return found
    name, what = str(told.get("type")), str(told.get("what"))
    known = getattr(builtins, name, None)
    if isinstance(known, type) and issubclass(known, Exception) and not issubclass(known, _OF_MORE_THAN_WORDS):
        return known(what)
    return RuntimeError(f"{name}: {what}")


def _ours(name: str) -> type[MlopsError] | None:
    """Find a class of :mod:`airflow_mlops.core.errors`."""
    found = getattr(errors, name, None)
    return found if isinstance(found, type) and issubclass(found, MlopsError) else None
