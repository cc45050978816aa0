"""Hook for the lifecycle store and the snapshot root."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from sqlalchemy.engine import URL

    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.store.database import Database


class LifecycleStoreHook(BaseHook):
    """Open the lifecycle store and the snapshot root of a connection.

    The connection has ``host``, ``port``, ``login``, ``password`` and ``schema`` (the database's name, or SQLite's
    file). Its extra has ``driver`` (``postgresql+psycopg2`` or ``sqlite``), ``query`` (URL options, such as a socket's
    folder as ``host``), ``snapshots`` (the URI of the snapshot root) and ``snapshot_options`` (for fsspec).

    :param store_conn_id: the connection's id.
    """

    conn_name_attr = "store_conn_id"
    default_conn_name = "mlops_store_default"
    conn_type = "mlops_store"
    hook_name = "MLOps lifecycle store"

    def __init__(self, store_conn_id: str = default_conn_name, connection: Connection | None = None) -> None:
        super().__init__()
        self.store_conn_id = store_conn_id
        self._connection = connection

    @cached_property
    def connection(self) -> Connection:
        """The Airflow connection."""
        return self._connection or self.get_connection(self.store_conn_id)

    @cached_property
    def database(self) -> Database:
        """The store, checked for reachability and migrations.

        :raises StoreNotReady: when it is unreachable or not migrated.
        """
        from airflow_mlops.store.database import Database

        database = Database(self.url())
        database.check()
        return database

    @cached_property
    def snapshots(self) -> SnapshotRoot:
        """The snapshot root.

        :raises BadInput: when the connection has no snapshot root.
        """
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot

        extra = self.connection.extra_dejson
        if not extra.get("snapshots"):
            raise BadInput(
                "the connection has no snapshot root",
                where=f"connection {self.store_conn_id}",
                hint='add "snapshots": "file:///shared/snapshots" (or s3://…) to its extra',
            )
        return SnapshotRoot(extra["snapshots"], self.extra_options("snapshot_options") or None)

    def get_conn(self) -> Database:
        """Return the store, as :attr:`database`."""
        return self.database

    def url(self) -> URL:
        """Return the connection's SQLAlchemy URL.

        :raises BadInput: when the connection's query is not a JSON object.
        """
        from sqlalchemy.engine import URL

        c, query = self.connection, self.extra_options("query")
        default = "postgresql+psycopg2" if c.host or query else "sqlite"
        driver = self.connection.extra_dejson.get("driver") or default
        return URL.create(
            driver,
            username=c.login or None,
            password=c.password or None,
            host=c.host or None,
            port=c.port,
            database=c.schema or None,
            query=query,
        )

    def extra_options(self, name: str) -> dict[str, Any]:
        """Return an option of the extra as dict; a form stores it as JSON text.

        :param name: the option's name.
        :raises BadInput: when it is not a JSON object.
        """
        from airflow_mlops.common.errors import BadInput

        value = self.connection.extra_dejson.get(name) or {}
        try:
            options = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            options = None
        if not isinstance(options, dict):
            raise BadInput(
                f"{name} is not a JSON object: {value!r}"[:200],
                where=f"connection {self.store_conn_id}",
                hint=f'write "{name}": {{"name": "value"}} in its extra',
            )
        return options

    def test_connection(self) -> tuple[bool, str]:
        """Check the store; the message names the cause of a failure: address, login, database, tables or privileges."""
        from airflow_mlops.common.errors import MlopsError
        from airflow_mlops.store.database import Database

        try:
            database = Database(self.url())
            database.check()
            database.check_rights()
            snapshots = self.snapshots.uri if self.connection.extra_dejson.get("snapshots") else "none configured"
        except MlopsError as error:
            return False, str(error)
        except Exception as error:  # such as a malformed URL: the form shows any error
            return False, f"{type(error).__name__}: {error}"
        return True, f"lifecycle store reachable: schema {database.version()}; snapshots: {snapshots}"


def connection_dict(url: str, snapshots: str) -> dict[str, Any]:
    """Return the connection as the dict for ``AIRFLOW_CONN_...``.

    :param url: the SQLAlchemy URL of the store.
    :param snapshots: the URI of the snapshot root.
    """
    from sqlalchemy.engine import make_url

    parts = make_url(url)
    return {
        "conn_type": LifecycleStoreHook.conn_type,
        "host": parts.host or "",
        "login": parts.username or "",
        "password": parts.password or "",
        "port": parts.port,
        "schema": parts.database or "",
        "extra": {"driver": parts.drivername, "query": dict(parts.query), "snapshots": snapshots},
    }
