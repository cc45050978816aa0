"""SQL sources: SQLAlchemy engines of Airflow connections, and queries read in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    import pandas as pd
    from airflow.sdk import Connection
    from sqlalchemy import Engine

CHUNK_ROWS = 250_000


def sqlalchemy_engine(conn_id: str) -> Engine:
    """Return the SQLAlchemy engine of a connection.

    It is that of the connection's own hook (``get_sqlalchemy_engine`` of common.sql). With ``sqlalchemy_url`` in its
    extra, a connection needs no provider.

    :raises BadInput: when it is not a SQL connection.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    from airflow_mlops.common.errors import BadInput

    connection: Connection = BaseHook.get_connection(conn_id)
    if url := connection.extra_dejson.get("sqlalchemy_url"):
        return create_engine(url, poolclass=NullPool)
    try:
        hook = connection.get_hook()
    except Exception as error:
        raise BadInput(
            f"connection {conn_id!r} of type {connection.conn_type!r} has no hook: {error}",
            hint='install its provider, or add {"sqlalchemy_url": "…"} to its extra',
        ) from error
    if not hasattr(hook, "get_sqlalchemy_engine"):
        raise BadInput(
            f"connection {conn_id!r} of type {connection.conn_type!r} is not for SQL",
            hint='use a database connection, or add {"sqlalchemy_url": "…"} to its extra',
        )
    return hook.get_sqlalchemy_engine()


class SqlSource:
    """Rows of a query.

    :param sql: one SELECT, or the path of a ``.sql`` file below the bundle's root, with named bind parameters.
    :param conn_id: the connection.
    :param binds: the values of the bind parameters, or a function from partition to values, or its import path.
    """

    def __init__(
        self, sql: str, conn_id: str, binds: Mapping[str, Any] | str | Callable[..., Any] | None = None
    ) -> None:
        self.sql, self.conn_id, self.binds = sql.strip(), conn_id, binds

    def read(self, partition: str | None) -> Iterator[pd.DataFrame]:
        """Return the rows of the query in chunks."""
        from airflow_mlops.common.imports import find_file, resolve_callable

        query = find_file(self.sql).read_text(encoding="utf-8") if self.sql.endswith(".sql") else self.sql
        binds = self.binds or {}
        if not isinstance(binds, Mapping):
            binds = resolve_callable(binds)(partition)
        return read_sql(self.conn_id, query, binds)


def read_sql(conn_id: str, sql: str, binds: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
    """Read a query in chunks.

    :param sql: one SELECT, with named bind parameters such as ``:cutoff``.
    :param binds: the values of the bind parameters.
    :raises BadInput: when the database rejects the query.
    """
    import pandas as pd
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    from airflow_mlops.common.errors import BadInput

    source = sqlalchemy_engine(conn_id)
    try:
        with source.connect().execution_options(stream_results=True) as connection:
            yield from pd.read_sql(
                text(sql), connection, params=dict(binds), chunksize=CHUNK_ROWS, dtype_backend="numpy_nullable"
            )
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise BadInput(
            f"the database rejected the query: {reason}",
            where=f"connection {conn_id}, query beginning {sql.strip()[:80]!r}",
            hint="run the query with these binds in a SQL client: " + repr(dict(binds))[:200],
        ) from error
    finally:
        source.dispose()
