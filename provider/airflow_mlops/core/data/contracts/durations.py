"""Durations in short notation: 36h, 7d, 1d12h."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_PART = re.compile(r"([0-9]{1,6})([wdhms])")


def parse_duration(text: str) -> timedelta:
    """Parse a duration.

    :param text: numbers with the units w, d, h, m (minutes) and s, such as ``7d`` or ``1d12h``.
    :raises ValueError: when the text is not a duration, or is zero.
    """
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text.strip() or not parts:
        raise ValueError(f"{text!r} is not a duration; use the form 36h, 7d or 1d12h (units w, d, h, m, s)")
    total = sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if not total:
        raise ValueError(f"the duration {text!r} must be greater than zero")
    return total
