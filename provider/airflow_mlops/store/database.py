"""Connection and sessions of the lifecycle store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine, create_engine, event, false, func, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from airflow_mlops.common.errors import BadInput
from airflow_mlops.store import attempts, database_errors, schema
from airflow_mlops.store.tables import Base

T = TypeVar("T")
CONNECT_SECONDS = 15
SILENCE_SECONDS = 30


class Database:
    """An engine with sessions. It keeps no connection open between uses, so a task process may fork at any time.

    :param url: any SQLAlchemy URL of SQLite or PostgreSQL.
    :raises BadInput: when the database is not supported, or its driver is not installed.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self.engine = _engine(self.url)
        self._fence: tuple[str, str] | None = None

    def fenced(self, key: str, token: str) -> Database:
        """Return this database for one attempt of a task: each session fails once another attempt has taken over.

        :param key: the task's key, ``dag_id/run_id/task_id/map_index``.
        :param token: the attempt's, from :func:`airflow_mlops.store.attempts.begin`.
        """
        fenced = copy(self)
        fenced._fence = (key, token)
        return fenced

    def unfenced(self) -> Database:
        """Return this database for a query that a superseded attempt may run, too."""
        unfenced = copy(self)
        unfenced._fence = None
        return unfenced

    def upgrade(self) -> None:
        """Create or migrate the tables. Safe to call again, and concurrently.

        :raises StoreNotReady: when the database cannot be reached, or is newer than this code.
        """
        with self._translated_errors(), self.engine.begin() as connection:
            schema.upgrade(connection)

    def version(self) -> str | None:
        """Return the schema revision of the tables; ``None`` when there are none."""
        if self._is_new_file():
            return None
        with self._translated_errors(), self.engine.connect() as connection:
            return schema.revision(connection)

    def check(self) -> None:
        """Check that this code can work with the existing tables.

        :raises StoreNotReady: when it cannot, with a hint.
        """
        current = self.version()
        if current != schema.head():
            raise schema.unusable_error(current, self.address)

    def check_rights(self) -> None:
        """Check that the login may read and write all tables; changes nothing.

        :raises StoreNotReady: when it may not.
        """
        with self.session() as session:
            for table in Base.metadata.sorted_tables:
                no_rows = select(table).where(false())
                session.execute(table.insert().from_select(list(table.columns), no_rows))
                session.execute(update(table).where(false()).values({c: c for c in table.columns}))

    def row_counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        with self.session() as session:
            tables = sorted(Base.metadata.tables.items())
            return {name: session.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables}

    @property
    def actor(self) -> str:
        """The key of the task that uses this database; empty outside a task."""
        return "" if self._fence is None else self._fence[0]

    @property
    def address(self) -> str:
        """The URL with its password hidden."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session that is committed at the end, or rolled back on an error.

        :raises Superseded: when the database is :meth:`fenced` and another attempt has taken over.
        """
        with self._translated_errors(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            if self._fence is not None:
                attempts.lock_current(session, *self._fence)
            yield session

    def retry_on_conflict(self, work: Callable[[], T], times: int = 20) -> T:
        """Call ``work`` again when a concurrent writer inserted the same row first: then it finds that row.

        :raises IntegrityError: when every attempt fails.
        """
        for _ in range(times - 1):
            try:
                return work()
            except IntegrityError:
                continue
        return work()

    def _is_new_file(self) -> bool:
        """Check whether this is a SQLite file that does not exist yet; connecting would create it."""
        name = self.url.database
        if self.url.get_backend_name() != "sqlite" or not name or name.startswith((":memory:", "file:")):
            return False
        return Path(name).parent.is_dir() and not Path(name).exists()

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Turn driver errors such as 'no such host' into an error with a location and a hint."""
        try:
            yield
        except DBAPIError as error:
            translated = database_errors.explain(error, self.address)
            if translated is None:
                raise
            raise translated from error


def _engine(url: URL) -> Engine:
    where = url.render_as_string(hide_password=True)
    if url.get_backend_name() not in ("postgresql", "sqlite"):
        raise BadInput(
            f"the lifecycle store does not support {url.get_backend_name()}",
            where=where,
            hint="use PostgreSQL, or SQLite for a single user",
        )
    try:
        return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgres(url)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise BadInput(
            f"the driver {url.drivername} is not installed",
            where=where,
            hint="install it (psycopg2-binary for postgresql+psycopg2), or set another driver in the connection",
        ) from error


def _postgres(url: URL) -> Engine:
    # libpq settings: bound the wait for a connection, and detect a dead peer.
    limits = {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": SILENCE_SECONDS * 1000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
    }
    is_libpq = "psycopg" in url.get_driver_name()
    arguments = {name: value for name, value in limits.items() if is_libpq and name not in url.query}
    return create_engine(url, poolclass=NullPool, connect_args=arguments)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 60})

    @event.listens_for(engine, "connect")
    def _configure(connection, _record):  # type: ignore[no-untyped-def]  # the DBAPI has no types
        connection.isolation_level = None  # BEGIN IMMEDIATE below locks at the start of a transaction
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection):  # type: ignore[no-untyped-def]
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
