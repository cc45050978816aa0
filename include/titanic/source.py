"""Where the passenger list comes from: looked up when the task runs, never when the DAG is parsed.

Imported while DAG files are parsed: the standard library only at module level.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from include.titanic.features import TEXT

if TYPE_CHECKING:
    import pandas as pd

VARIABLE = "TITANIC_CSV"
CONN_ID = "titanic_csv"
LOOK_ALIKE = "include.titanic.source:rows"


def find(csv: str | None, seed: int = 0) -> dict[str, str]:
    """Say which data is used, and the name of the model that is trained on it.

    The first of these that is given: the param ``csv``, the environment variable ``TITANIC_CSV``, the
    connection ``titanic_csv``; else the look-alike.

    A champion is only ever compared on rows that it has not seen. Other data, or the same data under another
    split seed, is therefore another study, whose model has a name and a champion of its own.

    :param csv: the DAG's param: a path or an fsspec URI; empty or None when it is not given
    :param seed: the split's seed
    :return: ``path`` (of a CSV file) and ``rows`` (the import path of a function), one of which is empty;
        ``model``, the model's name; ``given_by``, for people
    """
    places = {
        "the param csv": lambda: csv,
        f"the environment variable {VARIABLE}": lambda: os.environ.get(VARIABLE),
        f"the connection {CONN_ID}": _path_of_connection,
    }
    place, path = "nobody: a look-alike is generated", ""
    for name, look in places.items():
        if given := (look() or "").strip():
            place, path = name, given
            break
    name = "titanic" if path else "titanic_look_alike"
    return {
        "path": path,
        "rows": "" if path else LOOK_ALIKE,
        "model": name if seed == 0 else f"{name}_seed_{seed}",
        "given_by": place,
    }


def rows(partition: str | None = None) -> pd.DataFrame:
    """Give the look-alike, as ``IngestDatasetOperator(rows=...)`` asks for it.

    :param partition: not used: there is one passenger list
    """
    from include.titanic.look_alike import passengers

    return passengers()


def typed(frame: pd.DataFrame, partition: str | None = None) -> pd.DataFrame:
    """Make text columns text: a CSV has no types, and a file whose tickets are all digits would give numbers.

    :param frame: rows of the CSV
    :param partition: not used
    """
    text = {name: frame[name].map(str, na_action="ignore").astype(object) for name in TEXT if name in frame.columns}
    return frame.assign(**text)


def _path_of_connection() -> str | None:
    """Give the path in the connection's extra, or its host; None when there is no such connection."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

    try:
        connection = BaseHook.get_connection(CONN_ID)
    except AirflowNotFoundException:
        return None
    path = connection.extra_dejson.get("path") or connection.host
    if not path:
        raise AirflowFailException(
            f'the connection {CONN_ID} names no file: put {{"path": "/data/titanic.csv"}} in its extra'
        )
    return str(path)
