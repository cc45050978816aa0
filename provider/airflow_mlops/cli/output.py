"""How the commands answer: rows as a table or as JSON, an error in its own words."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from airflow_mlops.core.errors import MlopsError

T = TypeVar("T")


def or_exit(what: Callable[[], T]) -> T:
    """Do it, or end with the error's own words instead of a traceback."""
    try:
        return what()
    except MlopsError as error:
        raise SystemExit(str(error)) from None


def print_rows(rows: Sequence[dict[str, Any]], output: str, *, columns: Sequence[str], empty: str) -> None:
    """Print rows.

    :param output: ``table``, or ``json`` for all that the rows have.
    :param columns: what the table shows.
    :param empty: what to say when there are none.
    """
    if output == "json":
        print(json.dumps(rows, indent=1))
        return
    if not rows:
        print(empty)
        return
    from airflow.cli.simple_table import AirflowConsole

    AirflowConsole().print_as_table([{c: str(row[c]) for c in columns} for row in rows])
