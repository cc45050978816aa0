"""Dates of the simulated company. A partition's key is its cut-off, a Monday, as an ISO date."""

from __future__ import annotations

from datetime import date, timedelta

WEEK = timedelta(days=7)
LABEL_HORIZON = timedelta(days=14)

FIRST_WEEK = date(2026, 1, 12)
"""The first partition."""
HISTORY_END = date(2026, 3, 30)
"""The last of the 12 partitions that exist before the weekly runs begin."""
CHANGE_WEEK = date(2026, 5, 4)
"""The first partition with data after the change."""
CHANGE_DAY = CHANGE_WEEK - WEEK
"""The Monday of the simulated change."""
LAST_WEEK = date(2026, 6, 22)
"""The last partition."""


def weeks(first: date, last: date) -> list[date]:
    """List the cut-offs from one Monday to another, both included.

    :param first: the first cut-off
    :param last: the last cut-off; the list is empty if it is before ``first``
    """
    return [first + number * WEEK for number in range((last - first) // WEEK + 1)]


def key(cutoff: date) -> str:
    """Format a cut-off as a partition key.

    :param cutoff: the Monday the partition ends at (excluded)
    """
    return cutoff.isoformat()


def last_labelled(as_of: date) -> date:
    """Return the latest cut-off whose full label horizon lies before a day.

    :param as_of: the day on which the labels are read; its own events are not available yet
    """
    return as_of - LABEL_HORIZON
