"""The store's clock and its text format for timestamps."""

from __future__ import annotations

from datetime import UTC, date, datetime


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def to_iso(value: datetime) -> str:
    """Format a timestamp as fixed-width UTC text; one without a time zone is taken as UTC."""
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")


def from_iso(text: str | date) -> datetime:
    """Parse an ISO date (its midnight) or date-time, in UTC unless it names a time zone.

    :raises ValueError: when it is neither.
    """
    value = datetime.fromisoformat(str(text))
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
