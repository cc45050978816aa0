"""Formatting of values and names: thousands separators, true minus signs and a sensible number of digits."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

EMPTY_VALUE = "–"
MAX_TEXT_LENGTH = 400
MAX_LABEL_LENGTH = 60
_NOT_FINITE = {"nan": "not a number", "inf": "∞", "-inf": "−∞"}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Bidirectional controls and unprintable characters could make one name look like another.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def format_text(value: Any, limit: int = MAX_TEXT_LENGTH) -> str:
    """Return a text on one line, cut at ``limit`` characters; invisible characters become ``�``."""
    line = _INVISIBLE.sub(lambda match: " " if match.group() in "\t\n\r" else "�", str(value)[: limit + 1])
    return line if len(line) <= limit else line[: limit - 1] + "…"


def finite_number(value: Any) -> float | None:
    """Return a finite number as float, else None; text such as "nan" is not a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def format_value(value: Any) -> str:
    """Format any value of a report as a short text: numbers with four digits, lists with commas.

    A mapping is formatted as pairs of one level; deeper levels are only counted.
    """
    if value is None:
        return EMPTY_VALUE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _format_int(value)
    if isinstance(value, float):
        return _format_float(value)
    if isinstance(value, Mapping):
        return (
            format_text(", ".join(f"{format_label(k)} {_format_nested(v)}" for k, v in list(value.items())[:12]))
            or EMPTY_VALUE
        )
    if isinstance(value, (list, tuple)):
        more = f", … {len(value) - 12} more" if len(value) > 12 else ""
        return (format_text(", ".join(_format_nested(v) for v in value[:12])) or EMPTY_VALUE) + more
    return _NOT_FINITE.get(str(value), format_text(value))


def _format_nested(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)) and value:
        return f"({len(value)} values)"
    return format_value(value)


def _format_int(value: int) -> str:
    if abs(value) >= 10**15:
        return _scientific(f"{Decimal(value):.3e}")
    return f"{value:,}".replace("-", "−")


def _format_float(value: float) -> str:
    if not math.isfinite(value):
        return _NOT_FINITE[str(value)]
    size = abs(value)
    if value and (size < 1e-4 or size >= 1e15):
        return _scientific(f"{value:.2e}")
    if size >= 1000:
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")


def _scientific(scientific: str) -> str:
    """Format ``1.20e-08`` as ``1.2 × 10⁻⁸``."""
    digits, _, power = scientific.partition("e")
    digits = digits.rstrip("0").rstrip(".").replace("-", "−")
    return f"{digits} × 10{str(int(power)).translate(_SUPERSCRIPTS)}"


def format_percent(value: Any) -> str:
    """Format a fraction as a percentage; a small positive fraction is never shown as 0 %."""
    fraction = finite_number(value)
    if fraction is None:
        return format_value(value)
    percent = 100 * fraction
    if percent == 0:
        return "0 %"
    if abs(percent) < 0.01:
        return "< 0.01 %" if percent > 0 else "> −0.01 %"
    digits = 2 if abs(percent) < 1 else 1
    return f"{percent:.{digits}f} %".replace("-", "−")


def format_p_value(value: Any) -> str:
    """Format a p-value with its sign: ``= 0.031``, ``< 0.0001``."""
    p_value = finite_number(value)
    if p_value is None:
        return f"= {format_value(value)}"
    return "< 0.0001" if p_value < 1e-4 else f"= {p_value:.2g}"


def format_date(days: Any) -> str:
    """Format days since 1970 as a date."""
    day_number = finite_number(days)
    if day_number is None:
        return format_value(days)
    try:
        return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day_number)).date())
    except (OverflowError, ValueError):
        return f"day {_format_float(day_number)}"


def format_bytes(count: Any) -> str:
    """Format a number of bytes: ``1.4 MB``."""
    amount = finite_number(count)
    if amount is None or amount < 0:
        return format_value(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:,.0f} {unit}" if unit == "bytes" or amount >= 100 else f"{amount:.1f} {unit}"


def format_timestamp(stamp: Any) -> str:
    """Format an ISO timestamp: ``6 April 2026, 14:05 UTC``."""
    try:
        timestamp = datetime.fromisoformat(str(stamp))
        utc = timestamp.tzinfo and timestamp.astimezone(UTC)
    except (ValueError, OverflowError):
        return format_text(stamp)
    timestamp = utc or timestamp
    return f"{timestamp.day} {timestamp:%B %Y, %H:%M}{' UTC' if utc else ''}"


def format_label(key: Any) -> str:
    """Format a key as a label: ``rows_reference`` as ``rows reference``."""
    return format_text(str(key).replace("_", " ").strip(), MAX_LABEL_LENGTH) or EMPTY_VALUE


def format_heading(key: Any) -> str:
    """Format a key as a heading: ``rows_reference`` as ``Rows reference``."""
    text_label = format_label(key)
    return text_label[:1].upper() + text_label[1:]


def format_sentence(message: Any) -> str:
    """Format a message as a sentence: a capital, unless it begins with a column name, and a full stop."""
    message_text = replace_arrows(message)
    if message_text.partition(" ")[0].isalpha():
        message_text = message_text[:1].upper() + message_text[1:]
    return message_text if message_text.endswith((".", "…", "!", "?")) else message_text + "."


def replace_arrows(message: Any) -> str:
    """Replace ASCII arrows and comparison signs."""
    return format_text(message).replace(" -> ", " → ").replace(">= ", "≥ ").replace("<= ", "≤ ")


def format_signed(value: float) -> str:
    """Format a difference with its sign; zero has none."""
    return ("+" if value > 0 else "") + format_value(value)


def format_rounded(value: Any) -> str:
    """Format a number with at most three digits, such as at the end of an axis."""
    parsed = finite_number(value)
    return format_value(value) if parsed is None else format_value(float(f"{parsed:.3g}"))


def format_by_key(key: str, value: Any) -> str:
    """Format a value in the unit implied by its key: fractions as percentages, bytes as kB and MB."""
    if key in ("p_value", "p_adjusted"):
        return format_p_value(value).removeprefix("= ")
    if key == "fraction" or key.endswith("_fraction") or key == "missing":
        return format_percent(value)
    return format_bytes(value) if key == "bytes" else format_value(value)


def format_observed(observed: Any) -> str:
    """Format the main observed value of a rule, with its interval if it has one."""
    if not isinstance(observed, Mapping):
        return format_value(observed)
    main_value = next((observed[k] for k in ("gain", "value", "gap", "shift", "correlation") if k in observed), None)
    if main_value is None:
        return format_value(dict(sorted(observed.items())))
    return format_value(main_value) + format_interval(observed.get("low"), observed.get("high"))


def format_interval(low: Any, high: Any) -> str:
    """Format an interval as a suffix of its value; empty without ends."""
    ends = finite_number(low), finite_number(high)
    return "" if None in ends else f" ({format_rounded(ends[0])} to {format_rounded(ends[1])})"


def format_count(count: int, singular: str, plural: str | None = None) -> str:
    """Format a count: ``1 column``, ``3 columns``."""
    return f"{_format_int(count)} {singular if count == 1 else plural or singular + 's'}"
