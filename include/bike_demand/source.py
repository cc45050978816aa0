"""Source of the hourly rentals: the file of ``bike_sharing`` if it is set, else synthetic data.

Imported while DAG files are parsed: the standard library only at module level.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from include.bike_sharing import source
from include.bike_sharing.calendar import MONTHS

if TYPE_CHECKING:
    import pandas as pd

SYNTHETIC_ROWS = "include.bike_demand.source:synthetic_rows"


def find_source(csv: str | None, month: str | None, interval_start: datetime | None) -> dict[str, str]:
    """Return the data source, the last month and the name of the model.

    Synthetic data has its own model name and champion.

    :param csv: the DAG's param: a path or an fsspec URI; empty or None when not set.
    :param month: the last month of a manual run, such as ``2012-06``.
    :param interval_start: the start of the run's month, for a scheduled run or a backfill.
    :return: ``path`` (of a CSV file) and ``rows`` (the import path of a function), one of which is empty; ``model``,
        also the dataset's name; ``month``; ``effective_at``, the start of the model's champion period.
    :raises AirflowFailException: when there is no data of the requested month.
    :raises AirflowSkipException: when there is no data of the run's month.
    """
    path = source.configured_path(csv)
    last = month or (f"{interval_start:%Y-%m}" if interval_start else MONTHS[-1])
    if last not in MONTHS:
        from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

        message = f"there is no data of {last}: the file has {MONTHS[0]} to {MONTHS[-1]}"
        raise AirflowFailException(message) if month else AirflowSkipException(message)
    return {
        "path": path or "",
        "rows": "" if path else SYNTHETIC_ROWS,
        "model": "bike_demand" if path else "bike_demand_synthetic",
        "month": last,
        "effective_at": f"{next_month(last)}-01T00:00:00+00:00",
    }


def synthetic_rows(partition: str | None = None) -> pd.DataFrame:
    """Return the synthetic rentals, for ``IngestDatasetOperator(rows=...)``.

    :param partition: not used: the month is selected by :func:`include.bike_sharing.source.filter_month`.
    """
    from include.bike_demand.synthetic_data import generate_hours

    return generate_hours()


def months_up_to(month: str) -> list[str]:
    """List the months up to the given one, included."""
    return MONTHS[: MONTHS.index(month) + 1]


def next_month(month: str) -> str:
    """Return the next month: ``2013-01`` after ``2012-12``."""
    year, number = map(int, month.split("-"))
    return f"{year + number // 12}-{number % 12 + 1:02}"
