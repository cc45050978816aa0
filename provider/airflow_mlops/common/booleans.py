"""Booleans that a template or a form has turned into text."""

from __future__ import annotations

from airflow_mlops.common.errors import BadInput

_EMPTY = ("", "none")
_VALUES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_bool(
    value: bool | str | int | None, name: str, *, default: bool | None = None, where: str | None = None
) -> bool:
    """Parse a boolean.

    :param value: the value, or its text.
    :param name: the parameter's name, for the error.
    :param default: the result for ``None``, empty text, or the text ``None``; without it these are errors.
    :param where: the source of the value, for the error.
    :raises BadInput: when it is not a boolean.
    """
    text = str(value).strip().lower()
    parsed = default if text in _EMPTY else _VALUES.get(text)
    if parsed is None:
        raise BadInput(f"{name}={value!r} is not a valid boolean", where=where, hint="use true or false")
    return parsed
