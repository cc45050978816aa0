"""The store's clock, and how it writes a moment down."""

from __future__ import annotations

from datetime import UTC, date, datetime


def now() -> datetime:
    """Give the time of the store's own clock, in UTC."""
    return datetime.now(UTC)


def to_iso(value: datetime) -> str:
    """Write a moment as fixed-width UTC text; a moment without a zone is taken as UTC."""
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")


def from_iso(text: str | date) -> datetime:
    """Read a moment: an ISO date (its midnight) or date-time, in UTC unless it says otherwise.

    :raises ValueError: when it is neither.
    """
    value = datetime.fromisoformat(str(text))
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
