"""The months of the file: partitions, what they are compared with, and how some of them are told.

Imported while DAG files are parsed: the standard library only at module level.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

YEARS = (2011, 2012)
MONTHS = [f"{year}-{month:02}" for year in YEARS for month in range(1, 13)]
REFERENCE = MONTHS[:3]
"""The first quarter: what every later month is held against."""
SUMMER = MONTHS[6:9]
A_YEAR_LATER = MONTHS[12:15]
LATER = MONTHS[3:]
DATASET = "bike_sharing"


def address(month: str) -> str:
    """Give what operators know a month's rows by: ``bike_sharing@2011-04``."""
    return f"{DATASET}@{month}"


def spans(chosen: Collection[str], months: Sequence[str] = LATER) -> str:
    """Say some months in as few words as possible: ``2011-04 to 2011-11, 2012-03``.

    :param chosen: the months to be said; others than ``months`` are left out.
    :param months: all months, in order.
    """
    found: list[list[str]] = []
    last = False
    for month in months:
        if month in chosen:
            if last:
                found[-1].append(month)
            else:
                found.append([month])
        last = month in chosen
    return ", ".join(span[0] if len(span) == 1 else f"{span[0]} to {span[-1]}" for span in found)
