"""Output of the commands: tables, JSON and error messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from airflow_mlops.common.errors import MlopsError

T = TypeVar("T")


def run_or_exit(function: Callable[[], T]) -> T:
    """Call a function; on an error of this package, exit with its message instead of a traceback."""
    try:
        return function()
    except MlopsError as error:
        raise SystemExit(str(error)) from None


def print_rows(rows: Sequence[dict[str, Any]], output: str, *, columns: Sequence[str], empty: str) -> None:
    """Print rows.

    :param output: ``table``, or ``json`` for all columns.
    :param columns: the columns of the table.
    :param empty: the message when there are no rows.
    """
    if output == "json":
        print(json.dumps(rows, indent=1))
        return
    if not rows:
        print(empty)
        return
    from airflow.cli.simple_table import AirflowConsole

    AirflowConsole().print_as_table([{c: str(row[c]) for c in columns} for row in rows])
