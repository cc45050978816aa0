"""Source of the passenger list, resolved when the task runs.

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
SYNTHETIC_ROWS = "include.titanic.source:synthetic_rows"


def find_source(csv: str | None, seed: int = 0) -> dict[str, str]:
    """Return the data source and the name of the model that is trained on it.

    The first of these that is set: the param ``csv``, the environment variable ``TITANIC_CSV``, the connection
    ``titanic_csv``; else synthetic data.

    A champion is only compared on rows that it was not trained on. Therefore other data, or another split seed, has
    its own model name and champion.

    :param csv: the DAG's param: a path or an fsspec URI; empty or None when not set
    :param seed: the split's seed
    :return: ``path`` (of a CSV file) and ``rows`` (the import path of a function), one of which is empty;
        ``model``, the model's name; ``given_by``, a description of the source
    """
    sources = {
        "the param csv": lambda: csv,
        f"the environment variable {VARIABLE}": lambda: os.environ.get(VARIABLE),
        f"the connection {CONN_ID}": _path_from_connection,
    }
    source, path = "synthetic data", ""
    for name, lookup in sources.items():
        if value := (lookup() or "").strip():
            source, path = name, value
            break
    name = "titanic" if path else "titanic_synthetic"
    return {
        "path": path,
        "rows": "" if path else SYNTHETIC_ROWS,
        "model": name if seed == 0 else f"{name}_seed_{seed}",
        "given_by": source,
    }


def synthetic_rows(partition: str | None = None) -> pd.DataFrame:
    """Return the synthetic passenger list, for ``IngestDatasetOperator(rows=...)``.

    :param partition: not used: there is one passenger list
    """
    from include.titanic.synthetic_data import generate_passengers

    return generate_passengers()


def cast_text_columns(frame: pd.DataFrame, partition: str | None = None) -> pd.DataFrame:
    """Convert text columns to text: a CSV whose tickets are all digits would give numbers.

    :param frame: rows of the CSV
    :param partition: not used
    """
    text = {name: frame[name].map(str, na_action="ignore").astype(object) for name in TEXT if name in frame.columns}
    return frame.assign(**text)


def _path_from_connection() -> str | None:
    """Return the path in the connection's extra, or its host; None without such a connection."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

    try:
        connection = BaseHook.get_connection(CONN_ID)
    except AirflowNotFoundException:
        return None
    path = connection.extra_dejson.get("path") or connection.host
    if not path:
        raise AirflowFailException(
            f'the connection {CONN_ID} has no path: put {{"path": "/data/titanic.csv"}} in its extra'
        )
    return str(path)
