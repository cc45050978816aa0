"""The connection to the lifecycle store and to the place where snapshots live."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from sqlalchemy.engine import URL

    from airflow_mlops.core.data.snapshot import SnapshotRoot
    from airflow_mlops.store.database import Database


class LifecycleStoreHook(BaseHook):
    """Opens the lifecycle store.

    The connection: ``host``, ``port``, ``login``, ``password``, ``schema`` (the database's name, or SQLite's file);
    in its extra ``driver`` (``postgresql+psycopg2`` or ``sqlite``), ``query`` (URL options, such as a socket's
    folder as ``host``), ``snapshots`` (the URI of the snapshot root) and ``snapshot_options`` (fsspec's).

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
        """The store, checked to be there and migrated.

        :raises StoreNotReady: when it is not; says how to mend it.
        """
        from airflow_mlops.store.database import Database

        database = Database(self.url())
        database.check()
        return database

    @cached_property
    def snapshots(self) -> SnapshotRoot:
        """The snapshot root.

        :raises BadInput: when the connection names none.
        """
        from airflow_mlops.core.data.snapshot import SnapshotRoot
        from airflow_mlops.core.errors import BadInput

        extra = self.connection.extra_dejson
        if not extra.get("snapshots"):
            raise BadInput(
                "the connection names no place for snapshots",
                where=f"connection {self.store_conn_id}",
                mend='add "snapshots": "file:///shared/snapshots" (or s3://…) to its extra',
            )
        return SnapshotRoot(extra["snapshots"], self.options_of("snapshot_options") or None)

    def get_conn(self) -> Database:
        """Give the store, as :attr:`database`."""
        return self.database

    def url(self) -> URL:
        """Give the SQLAlchemy URL that the connection stands for.

        :raises BadInput: when the connection's query is no JSON object.
        """
        from sqlalchemy.engine import URL

        c, query = self.connection, self.options_of("query")
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

    def options_of(self, name: str) -> dict[str, Any]:
        """Give options of the extra: an object, or its JSON as a form gives it."""
        from airflow_mlops.core.errors import BadInput

        given = self.connection.extra_dejson.get(name) or {}
        try:
            found = json.loads(given) if isinstance(given, str) else given
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise BadInput(
                f"{name} is no JSON object: {given!r}"[:200],
                where=f"connection {self.store_conn_id}",
                mend=f'write "{name}": {{"name": "value"}} in its extra',
            )
        return found

    def test_connection(self) -> tuple[bool, str]:
        """Tell whether the store can be used, and what is wrong if not: address, login, database, tables, rights."""
        from airflow_mlops.core.errors import MlopsError
        from airflow_mlops.store.database import Database

        try:
            database = Database(self.url())
            database.check()
            database.check_rights()
            snapshots = self.snapshots.uri if self.connection.extra_dejson.get("snapshots") else "no place named"
        except MlopsError as error:
            return False, str(error)
        except Exception as error:  # a malformed URL and its like: the form shall say it, whatever it is
            return False, f"{type(error).__name__}: {error}"
        return True, f"the lifecycle store is there: schema {database.version()}; snapshots: {snapshots}"


def connection_value(url: str, snapshots: str) -> dict[str, Any]:
    """Give the connection, as the JSON that ``AIRFLOW_CONN_...`` takes, for a SQLAlchemy URL and a snapshot root."""
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
