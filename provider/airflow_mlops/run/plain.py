"""Parameters as JSON: what another process gets is what this one has, or an error says what cannot travel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_mlops.core.errors import BadInput

TUPLE, PAIRS = "(tuple)", "(pairs)"
_PLAIN = (str, int, float, bool, type(None))


def plain(value: Any, where: str = "parameters") -> Any:
    """Give a value as JSON has it; :func:`restored` gives it back.

    JSON has neither tuples, which scikit-learn tells from lists, nor keys that are no text: both are marked.

    :param where: what it is called, for the error.
    :raises BadInput: when it contains what JSON has no words for.
    """
    if type(value) in _PLAIN:
        return value
    if hasattr(value, "dtype") and hasattr(value, "item") and not getattr(value, "shape", None):  # a number of numpy's
        return plain(value.item(), where)
    if isinstance(value, _PLAIN):  # such as a template's text, or an enumeration of text
        return next(kind(value) for kind in (str, bool, int, float) if isinstance(value, kind))
    if isinstance(value, tuple):
        return {TUPLE: [plain(one, f"{where}[{i}]") for i, one in enumerate(value)]}
    if isinstance(value, Mapping):
        return _mapping(value, where)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [plain(one, f"{where}[{i}]") for i, one in enumerate(value)]
    raise BadInput(
        f"{where} cannot go to another process: it is a {type(value).__name__}",
        where=repr(value)[:200],
        mend="give plain values (text, numbers, lists, mappings), or run the step with runtime='in_process'",
    )


def restored(value: Any) -> Any:
    """Give back what :func:`plain` was given."""
    if isinstance(value, list):
        return [restored(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(mark, kept)] = value.items()
        if mark == TUPLE:
            return tuple(restored(one) for one in kept)
        if mark == PAIRS:
            return {restored(key): restored(one) for key, one in kept}
    return {key: restored(one) for key, one in value.items()}


def _mapping(value: Mapping[Any, Any], where: str) -> dict[str, Any]:
    named = {key: plain(one, f"{where}[{key!r}]") for key, one in value.items()}
    if all(type(key) is str for key in named) and not {TUPLE, PAIRS} & set(named):
        return named
    return {PAIRS: [[plain(key, f"a key of {where}"), one] for key, one in named.items()]}
