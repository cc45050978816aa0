"""How figures and names are written for people: thousands apart, a true minus, no more digits than are known."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

NOTHING = "–"
MOST_TEXT = 400
MOST_LABEL = 60
_NOT_FINITE = {"nan": "not a number", "inf": "∞", "-inf": "−∞"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# A line that turns around, and what no font can show, could make one name look like another.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def text(value: Any, limit: int = MOST_TEXT) -> str:
    """Give a text on one line, cut at ``limit`` characters; what cannot be seen is shown as ``�``."""
    said = _UNSEEN.sub(lambda found: " " if found.group() in "\t\n\r" else "�", str(value)[: limit + 1])
    return said if len(said) <= limit else said[: limit - 1] + "…"


def number(value: Any) -> float | None:
    """Give a finite number, or None for what is none; the name of a number that is not finite is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def figure(value: Any) -> str:
    """Write whatever a report holds as one short text: a number with four digits, a list with commas.

    A mapping is written as its pairs, and one level of them: deeper ones are only counted.
    """
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return _fraction(value)
    if isinstance(value, Mapping):
        return text(", ".join(f"{label(k)} {_inner(v)}" for k, v in list(value.items())[:12])) or NOTHING
    if isinstance(value, (list, tuple)):
        more = f", … {len(value) - 12} more" if len(value) > 12 else ""
        return (text(", ".join(_inner(v) for v in value[:12])) or NOTHING) + more
    return _NOT_FINITE.get(str(value), text(value))


def _inner(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)) and value:
        return f"({len(value)} values)"
    return figure(value)


def _whole(value: int) -> str:
    if abs(value) >= 10**15:
        return _powered(f"{Decimal(value):.3e}")
    return f"{value:,}".replace("-", "−")


def _fraction(value: float) -> str:
    if not math.isfinite(value):
        return _NOT_FINITE[str(value)]
    size = abs(value)
    if value and (size < 1e-4 or size >= 1e15):
        return _powered(f"{value:.2e}")
    if size >= 1000:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")


def _powered(scientific: str) -> str:
    """Turn ``1.20e-08`` into ``1.2 × 10⁻⁸``."""
    digits, _, power = scientific.partition("e")
    digits = digits.rstrip("0").rstrip(".").replace("-", "−")
    return f"{digits} × 10{str(int(power)).translate(_RAISED)}"


def share(value: Any) -> str:
    """Write a share as a percentage; a share that is small but not nothing is never written as 0 %."""
    found = number(value)
    if found is None:
        return figure(value)
    percent = 100 * found
    if percent == 0:
        return "0 %"
    if abs(percent) < 0.01:
        return "< 0.01 %" if percent > 0 else "> −0.01 %"
    digits = 2 if abs(percent) < 1 else 1
    return f"{percent:.{digits}f} %".replace("-", "−")


def chance(value: Any) -> str:
    """Write a p-value with its sign: ``= 0.031``, ``< 0.0001``."""
    found = number(value)
    if found is None:
        return f"= {figure(value)}"
    return "< 0.0001" if found < 1e-4 else f"= {found:.2g}"


def day(days: Any) -> str:
    """Write days since 1970 as a date."""
    found = number(days)
    if found is None:
        return figure(days)
    try:
        return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=found)).date())
    except (OverflowError, ValueError):
        return f"day {_fraction(found)}"


def size(count: Any) -> str:
    """Write bytes: ``1.4 MB``."""
    found = number(count)
    if found is None or found < 0:
        return figure(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if found < 1000 or unit == "GB":
            break
        found /= 1000
    return f"{found:,.0f} {unit}" if unit == "bytes" or found >= 100 else f"{found:.1f} {unit}"


def moment(stamp: Any) -> str:
    """Write an ISO timestamp as people do: ``6 April 2026, 14:05 UTC``."""
    try:
        then = datetime.fromisoformat(str(stamp))
        zone = then.tzinfo and then.astimezone(UTC)
    except (ValueError, OverflowError):
        return text(stamp)
    then = zone or then
    return f"{then.day} {then:%B %Y, %H:%M}{' UTC' if zone else ''}"


def label(key: Any) -> str:
    """Turn a key into words: ``rows_reference`` into ``rows reference``."""
    return text(str(key).replace("_", " ").strip(), MOST_LABEL) or NOTHING


def heading(key: Any) -> str:
    """Turn a key into words that begin a line: ``rows_reference`` into ``Rows reference``."""
    said = label(key)
    return said[:1].upper() + said[1:]


def sentence(message: Any) -> str:
    """Make a message a sentence: a capital, unless it begins with a name of the data's, and a full stop."""
    said = arrows(message)
    if said.partition(" ")[0].isalpha():
        said = said[:1].upper() + said[1:]
    return said if said.endswith((".", "…", "!", "?")) else said + "."


def arrows(message: Any) -> str:
    """Write a message with true arrows and signs."""
    return text(message).replace(" -> ", " → ").replace(">= ", "≥ ").replace("<= ", "≤ ")


def signed(value: float) -> str:
    """Write a gain or a loss with its sign; nothing gained has none."""
    return ("+" if value > 0 else "") + figure(value)


def rough(value: Any) -> str:
    """Write a number in at most three digits where that is enough, such as at the end of an axis."""
    found = number(value)
    return figure(value) if found is None else figure(float(f"{found:.3g}"))


def named(key: str, value: Any) -> str:
    """Write a value in the unit that its key tells: shares as percentages, bytes as kB and MB."""
    if key in ("p_value", "p_adjusted"):
        return chance(value).removeprefix("= ")
    if key == "share" or key.endswith("_share") or key == "missing":
        return share(value)
    return size(value) if key == "bytes" else figure(value)


def seen(observed: Any) -> str:
    """Write what a rule has observed: the figure that it is about, with its bounds where it has some."""
    if not isinstance(observed, Mapping):
        return figure(observed)
    found = next((observed[k] for k in ("gain", "value", "gap", "shift", "correlation") if k in observed), None)
    if found is None:
        return figure(dict(sorted(observed.items())))
    return figure(found) + between(observed.get("low"), observed.get("high"))


def between(low: Any, high: Any) -> str:
    """Write an interval to stand behind its figure; nothing when it has no ends."""
    ends = number(low), number(high)
    return "" if None in ends else f" ({rough(ends[0])} to {rough(ends[1])})"


def count_of(many: int, one: str, several: str | None = None) -> str:
    """Count things: ``1 column``, ``3 columns``."""
    return f"{_whole(many)} {one if many == 1 else several or one + 's'}"
