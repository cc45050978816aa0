"""Yes or no, where a template or a form has made text of it."""

from __future__ import annotations

from airflow_mlops.core.errors import BadInput

_NOTHING = ("", "none")
_KNOWN = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def yes_or_no(
    given: bool | str | int | None, name: str, *, unsaid: bool | None = None, where: str | None = None
) -> bool:
    """Read a switch: ``"False"`` is no, and what is neither is no answer.

    :param name: the parameter's name, for the error.
    :param unsaid: what it means when nothing is given: ``None``, no text, or the ``None`` of a template. Default: that
        is no answer either.
    :param where: where it stands, for the error.
    :raises BadInput: when it is neither.
    """
    text = str(given).strip().lower()
    found = unsaid if text in _NOTHING else _KNOWN.get(text)
    if found is None:
        raise BadInput(f"{name}={given!r} cannot be read", where=where, mend="give true or false")
    return found
