"""JSON encoding of exceptions that cross a process boundary."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from airflow_mlops.common import errors
from airflow_mlops.common.errors import MlopsError

MAX_MESSAGE_LENGTH = 16_000
_NOT_BUILT_FROM_A_MESSAGE = (OSError, UnicodeError, ExceptionGroup)


def encode_error(error: BaseException) -> dict[str, Any]:
    """Encode an exception as JSON.

    A subclass of ``MlopsError`` is encoded as its nearest base in :mod:`airflow_mlops.common.errors`: the other process
    may not have the subclass, and an error that must not be retried has to stay one.
    """
    if isinstance(error, MlopsError):
        kind = next(base for base in type(error).__mro__ if _error_class(base.__name__) is base)
        return {"type": kind.__name__, "what": error.what, "where": error.where, "hint": error.hint}
    return {"type": type(error).__name__, "what": str(error)[:MAX_MESSAGE_LENGTH], "where": None, "hint": None}


def format_error(error: BaseException) -> str:
    """Format an exception as ``Type: message``, truncated."""
    return f"{type(error).__name__}: {error}"[:MAX_MESSAGE_LENGTH]


def decode_mlops_error(encoded: Mapping[str, Any]) -> MlopsError | None:
    """Decode an exception; ``None`` when its class is not in :mod:`airflow_mlops.common.errors`.

    :param encoded: the output of :func:`described`; it may come from an untrusted process.
    """
    kind = _error_class(str(encoded.get("type")))
    if kind is None:
        return None
    where, hint = (None if encoded.get(name) is None else str(encoded[name]) for name in ("where", "hint"))
    return kind(str(encoded.get("what")), where=where, hint=hint)


def decode_error(encoded: Mapping[str, Any]) -> Exception:
    """Decode an exception of this package or a builtin one; any other becomes a ``RuntimeError`` with its class name.

    :param encoded: the output of :func:`described`.
    """
    if (error := decode_mlops_error(encoded)) is not None:
        return error
    name, message = str(encoded.get("type")), str(encoded.get("what"))
    builtin = getattr(builtins, name, None)
    if (
        isinstance(builtin, type)
        and issubclass(builtin, Exception)
        and not issubclass(builtin, _NOT_BUILT_FROM_A_MESSAGE)
    ):
        return builtin(message)
    return RuntimeError(f"{name}: {message}")


def _error_class(name: str) -> type[MlopsError] | None:
    """Look up a class of :mod:`airflow_mlops.common.errors`."""
    value = getattr(errors, name, None)
    return value if isinstance(value, type) and issubclass(value, MlopsError) else None
