"""The connection to the lifecycle store."""

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

from airflow_mlops.core.errors import BadInput
from airflow_mlops.store import attempts, schema, troubles
from airflow_mlops.store.tables import Base

T = TypeVar("T")
CONNECT_SECONDS = 15
SILENCE_SECONDS = 30


class Database:
    """An engine with sessions. Holds no connection between uses, so a task process may fork at any time.

    :param url: any SQLAlchemy URL of SQLite or PostgreSQL.
    :raises BadInput: when it is of another database, or its driver is not installed.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self.engine = _engine(self.url)
        self._fence: tuple[str, str] | None = None

    def fenced(self, key: str, token: str) -> Database:
        """Give the same database for one attempt of a task: each session fails once another attempt has taken over.

        :param key: the task's, ``dag_id/run_id/task_id/map_index``.
        :param token: what :func:`airflow_mlops.store.attempts.begin` gave the attempt.
        """
        fenced = copy(self)
        fenced._fence = (key, token)
        return fenced

    def unfenced(self) -> Database:
        """Give the same database for a question that any attempt may ask, superseded or not."""
        plain = copy(self)
        plain._fence = None
        return plain

    def upgrade(self) -> None:
        """Create or migrate the tables. Safe to call again, and from several places at once.

        :raises StoreNotReady: when the database cannot be reached, or is newer than this code.
        """
        with self._told(), self.engine.begin() as connection:
            schema.upgrade(connection)

    def version(self) -> str | None:
        """Give the revision of the tables there, or ``None`` when there are none."""
        if self._is_new_file():
            return None
        with self._told(), self.engine.connect() as connection:
            return schema.revision(connection)

    def check(self) -> None:
        """Make sure that this code can work with the tables there.

        :raises StoreNotReady: when it cannot, with what to do.
        """
        found = self.version()
        if found != schema.head():
            raise schema.unusable(found, self.address)

    def check_rights(self) -> None:
        """Make sure that the login may read and write all tables; changes nothing.

        :raises StoreNotReady: when it may not.
        """
        with self.session() as session:
            for table in Base.metadata.sorted_tables:
                nothing = select(table).where(false())
                session.execute(table.insert().from_select(list(table.columns), nothing))
                session.execute(update(table).where(false()).values({c: c for c in table.columns}))

    def row_counts(self) -> dict[str, int]:
        """Give how many rows each table has."""
        with self.session() as session:
            tables = sorted(Base.metadata.tables.items())
            return {name: session.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables}

    @property
    def address(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Give a session whose work is committed at the end, or rolled back on an error.

        :raises Superseded: when the database is :meth:`fenced` and another attempt has taken over.
        """
        with self._told(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            if self._fence is not None:
                attempts.hold(session, *self._fence)
            yield session

    def retried(self, work: Callable[[], T], times: int = 20) -> T:
        """Do it again when somebody else wrote the same row in between: then it finds that row.

        :raises IntegrityError: when it is not a matter of who is first.
        """
        for _ in range(times - 1):
            try:
                return work()
            except IntegrityError:
                continue
        return work()

    def _is_new_file(self) -> bool:
        """Tell whether this is SQLite with a file that is not there yet: asking it anything would make it."""
        name = self.url.database
        if self.url.get_backend_name() != "sqlite" or not name or name.startswith((":memory:", "file:")):
            return False
        return Path(name).parent.is_dir() and not Path(name).exists()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn 'no such host', 'no such table' and their like into one error that says where and what to do."""
        try:
            yield
        except DBAPIError as error:
            explained = troubles.explained(error, self.address)
            if explained is None:
                raise
            raise explained from error


def _engine(url: URL) -> Engine:
    where = url.render_as_string(hide_password=True)
    if url.get_backend_name() not in ("postgresql", "sqlite"):
        raise BadInput(
            f"the lifecycle store cannot be kept in {url.get_backend_name()}",
            where=where,
            mend="use PostgreSQL, or SQLite for a single user",
        )
    try:
        return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgres(url)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise BadInput(
            f"the driver {url.drivername} is not installed",
            where=where,
            mend="install it (psycopg2-binary for postgresql+psycopg2), or name another as the connection's driver",
        ) from error


def _postgres(url: URL) -> Engine:
    # libpq's own: no connection is waited for without end, and a peer that is gone is found out.
    limits = {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": SILENCE_SECONDS * 1000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
    }
    of_libpq = "psycopg" in url.get_driver_name()
    asked = {name: value for name, value in limits.items() if of_libpq and name not in url.query}
    return create_engine(url, poolclass=NullPool, connect_args=asked)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 60})

    @event.listens_for(engine, "connect")
    def _settings(connection, _record):  # type: ignore[no-untyped-def]  # the DBAPI has no types
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, so that a transaction locks at its start
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection):  # type: ignore[no-untyped-def]
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
