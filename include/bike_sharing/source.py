"""Source of the rentals, resolved when the task runs.

Imported while DAG files are parsed: the standard library only at module level.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

VARIABLE = "BIKE_SHARING_CSV"
FOLDER_VARIABLE = "MLOPS_TEST_DATA"
FILE = "bike_sharing_hour.csv"


def configured_path(csv: str | None) -> str | None:
    """Return the path of the file if it is configured.

    The first of these that is set: the param ``csv``, the environment variable ``BIKE_SHARING_CSV``, the file
    ``bike_sharing_hour.csv`` in the folder ``MLOPS_TEST_DATA``.

    :param csv: the DAG's param: a path or an fsspec URI; empty or None when not set.
    """
    folder = (os.environ.get(FOLDER_VARIABLE) or "").strip()
    for candidate in (csv, os.environ.get(VARIABLE), os.path.join(folder, FILE) if folder else None):
        if path := (candidate or "").strip():
            return path
    return None


def find_csv(csv: str | None) -> str:
    """Return the path of the file: see :func:`given`.

    :raises AirflowFailException: when it is not configured.
    """
    if path := configured_path(csv):
        return path
    from airflow.sdk.exceptions import AirflowFailException

    raise AirflowFailException(
        f"the path of {FILE} is not configured: fill in the form's csv, or set {VARIABLE} on the worker; "
        "it is the hourly file of the Bike Sharing data set of the UCI Machine Learning Repository"
    )


def filter_month(frame: pd.DataFrame, partition: str | None) -> pd.DataFrame:
    """Select the hours of one month, for ``IngestDatasetOperator(transform=...)``.

    :param frame: rows of the file.
    :param partition: the month, such as ``2011-04``.
    :raises BadInput: when the file has no date column.
    """
    if "dteday" not in frame.columns:
        from airflow_mlops.common.errors import BadInput

        raise BadInput(
            "the file has no column 'dteday'",
            where=f"it has {sorted(map(str, frame.columns))[:20]}",
            hint=f"use the hourly file, {FILE}",
        )
    return frame[frame["dteday"].str.startswith(f"{partition}-")].reset_index(drop=True)
