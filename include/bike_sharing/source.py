"""Where the rentals come from: looked up when the task runs, never when the DAG is parsed.

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


def given(csv: str | None) -> str | None:
    """Say where the file is, if anybody does.

    The first of these that is given: the param ``csv``, the environment variable ``BIKE_SHARING_CSV``, the file
    ``bike_sharing_hour.csv`` in the folder that ``MLOPS_TEST_DATA`` names.

    :param csv: the DAG's param: a path or an fsspec URI; empty or None when it is not given.
    """
    folder = (os.environ.get(FOLDER_VARIABLE) or "").strip()
    for place in (csv, os.environ.get(VARIABLE), os.path.join(folder, FILE) if folder else None):
        if path := (place or "").strip():
            return path
    return None


def find(csv: str | None) -> str:
    """Say where the file is: see :func:`given`.

    :raises AirflowFailException: when nobody says it.
    """
    if path := given(csv):
        return path
    from airflow.sdk.exceptions import AirflowFailException

    raise AirflowFailException(
        f"nobody says where {FILE} is: fill in the form's csv, or set {VARIABLE} for the worker to its path; "
        "it is the hourly file of the Bike Sharing data set of the UCI Machine Learning Repository"
    )


def of_month(frame: pd.DataFrame, partition: str | None) -> pd.DataFrame:
    """Keep the hours of one month, as ``IngestDatasetOperator(transform=...)`` asks for it.

    :param frame: rows of the file.
    :param partition: the month, such as ``2011-04``.
    :raises BadInput: when the file has no column of days.
    """
    if "dteday" not in frame.columns:
        from airflow_mlops.core.errors import BadInput

        raise BadInput(
            "the file has no column 'dteday'",
            where=f"it has {sorted(map(str, frame.columns))[:20]}",
            mend=f"name the hourly file, {FILE}",
        )
    return frame[frame["dteday"].str.startswith(f"{partition}-")].reset_index(drop=True)
