"""Yes or no, where a template or a form has made text of it."""

from __future__ import annotations

from airflow_mlops.core.errors import BadInput

_KNOWN = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def yes_or_no(given: bool | str | int, name: str) -> bool:
    """Read a switch: ``"False"`` is no, and what is neither is no answer.

    :param name: the parameter's name, for the error.
    :raises BadInput: when it is neither.
    """
    found = _KNOWN.get(str(given).strip().lower())
    if found is None:
        raise BadInput(f"{name}={given!r} cannot be read", mend="give true or false")
    return found
