"""Where the hours come from: the file that ``bike_sharing`` reads, where one is given, else a generated look-alike.

Imported while DAG files are parsed: the standard library only at module level.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from include.bike_sharing import source
from include.bike_sharing.calendar import MONTHS

if TYPE_CHECKING:
    import pandas as pd

LOOK_ALIKE = "include.bike_demand.source:rows"


def find(csv: str | None, month: str | None, interval_start: datetime | None) -> dict[str, str]:
    """Say which data is used, up to which month, and the name of the model that is trained on it.

    Other data is another study, whose model has a name and a champion of its own.

    :param csv: the DAG's param: a path or an fsspec URI; empty or None when it is not given.
    :param month: the last month, when it is asked for by hand, such as ``2012-06``.
    :param interval_start: the start of the run's month, when it runs by schedule or in a backfill.
    :return: ``path`` (of a CSV file) and ``rows`` (the import path of a function), one of which is empty; ``model``,
        also the dataset's name; ``month``; ``effective_at``, the moment from which on its model would be champion.
    :raises AirflowFailException: when there is no data of the month that is asked for.
    :raises AirflowSkipException: when there is none of the run's own: the file has ended.
    """
    path = source.given(csv)
    last = month or (f"{interval_start:%Y-%m}" if interval_start else MONTHS[-1])
    if last not in MONTHS:
        from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

        said = f"there is no data of {last}: the file has {MONTHS[0]} to {MONTHS[-1]}"
        raise AirflowFailException(said) if month else AirflowSkipException(said)
    return {
        "path": path or "",
        "rows": "" if path else LOOK_ALIKE,
        "model": "bike_demand" if path else "bike_demand_look_alike",
        "month": last,
        "effective_at": f"{after(last)}-01T00:00:00+00:00",
    }


def rows(partition: str | None = None) -> pd.DataFrame:
    """Give the look-alike, as ``IngestDatasetOperator(rows=...)`` asks for it.

    :param partition: not used here: the month is cut out by :func:`include.bike_sharing.source.of_month`.
    """
    from include.bike_demand.look_alike import hours

    return hours()


def up_to(month: str) -> list[str]:
    """List the months of the data up to one, itself included."""
    return MONTHS[: MONTHS.index(month) + 1]


def after(month: str) -> str:
    """Give the month after one: ``2013-01`` after ``2012-12``."""
    year, number = map(int, month.split("-"))
    return f"{year + number // 12}-{number % 12 + 1:02}"
