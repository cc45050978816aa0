"""Scores in a table: which one an operator's parameters name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_mlops.store.predictions import PredictionLog


def prediction_log(conn_id: str | None, table: str | None) -> PredictionLog | None:
    """Give the table that parameters name, if they do.

    :param conn_id: the connection of a PostgreSQL or SQLite database.
    :param table: the table there, ``table`` or ``schema.table``.
    :raises BadInput: when only one of the two is named.
    """
    from airflow_mlops.core.errors import BadInput

    if (conn_id is None) != (table is None):
        raise BadInput("a table needs its connection, and a connection its table", mend="give both or neither")
    if conn_id is None or table is None:
        return None
    from airflow_mlops.hooks.source import engine
    from airflow_mlops.store.predictions import PredictionLog

    return PredictionLog(engine(conn_id), table)
