"""Spans of time as people write them: 36h, 7d, 1d12h."""

from __future__ import annotations

import re
from datetime import timedelta

UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_PART = re.compile(r"([0-9]{1,6})([wdhms])")


def duration(text: str) -> timedelta:
    """Read a span of time.

    :param text: numbers with the units w, d, h, m (minutes) and s, such as ``7d`` or ``1d12h``.
    :raises ValueError: when it is not one, or is nothing.
    """
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text.strip() or not parts:
        raise ValueError(f"{text!r} is no span of time; write for example 36h, 7d or 1d12h (units w, d, h, m, s)")
    span = sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if not span:
        raise ValueError(f"{text!r} is no time at all")
    return span
