"""Where data come from: any SQL database that Airflow or SQLAlchemy can reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    import pandas as pd
    from airflow.sdk import Connection
    from sqlalchemy import Engine

CHUNK_ROWS = 250_000


def engine(conn_id: str) -> Engine:
    """Give a SQLAlchemy engine for a connection.

    Taken from the connection's own hook where it has one (``get_sqlalchemy_engine`` of common.sql); a connection whose
    extra has ``sqlalchemy_url`` needs no provider at all.

    :raises BadInput: when the connection is none for SQL.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    from airflow_mlops.core.errors import BadInput

    connection: Connection = BaseHook.get_connection(conn_id)
    if url := connection.extra_dejson.get("sqlalchemy_url"):
        return create_engine(url, poolclass=NullPool)
    try:
        hook = connection.get_hook()
    except Exception as error:
        raise BadInput(
            f"connection {conn_id!r} of type {connection.conn_type!r} has no hook here: {error}",
            mend='install its provider, or put {"sqlalchemy_url": "…"} in its extra',
        ) from error
    if not hasattr(hook, "get_sqlalchemy_engine"):
        raise BadInput(
            f"connection {conn_id!r} of type {connection.conn_type!r} is not for SQL",
            mend='use a database connection, or put {"sqlalchemy_url": "…"} in its extra',
        )
    return hook.get_sqlalchemy_engine()


def read_sql(conn_id: str, sql: str, binds: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
    """Read a query in chunks.

    :param sql: one SELECT, with named binds such as ``:cutoff``; values are bound, never pasted in.
    :param binds: the values.
    :raises BadInput: when the database refuses the query.
    """
    import pandas as pd
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    from airflow_mlops.core.errors import BadInput

    source = engine(conn_id)
    try:
        with source.connect().execution_options(stream_results=True) as connection:
            yield from pd.read_sql(
                text(sql), connection, params=dict(binds), chunksize=CHUNK_ROWS, dtype_backend="numpy_nullable"
            )
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise BadInput(
            f"the database refused the query: {reason}",
            where=f"connection {conn_id}, query beginning {sql.strip()[:80]!r}",
            mend="try the query with these binds in a SQL client: " + repr(dict(binds))[:200],
        ) from error
    finally:
        source.dispose()
