"""Months of the file: partitions, reference and formatting of ranges.

Imported while DAG files are parsed: the standard library only at module level.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

YEARS = (2011, 2012)
MONTHS = [f"{year}-{month:02}" for year in YEARS for month in range(1, 13)]
REFERENCE = MONTHS[:3]
"""The first quarter, the reference of all later months."""
SUMMER = MONTHS[6:9]
A_YEAR_LATER = MONTHS[12:15]
LATER = MONTHS[3:]
DATASET = "bike_sharing"


def snapshot_address(month: str) -> str:
    """Return the address of a month's snapshot: ``bike_sharing@2011-04``."""
    return f"{DATASET}@{month}"


def format_month_ranges(chosen: Collection[str], months: Sequence[str] = LATER) -> str:
    """Format months as ranges: ``2011-04 to 2011-11, 2012-03``.

    :param chosen: the months to format; those not in ``months`` are ignored.
    :param months: all months, in order.
    """
    ranges: list[list[str]] = []
    last = False
    for month in months:
        if month in chosen:
            if last:
                ranges[-1].append(month)
            else:
                ranges.append([month])
        last = month in chosen
    return ", ".join(span[0] if len(span) == 1 else f"{span[0]} to {span[-1]}" for span in ranges)
