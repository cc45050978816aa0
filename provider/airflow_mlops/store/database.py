"""The connection to the lifecycle store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from airflow_mlops.core.errors import StoreNotReady
from airflow_mlops.store import attempts, schema
from airflow_mlops.store.schema import HOW_TO_MIGRATE

T = TypeVar("T")
CONNECT_SECONDS = 15


class Database:
    """An engine with sessions. Holds no connection between uses, so a task process may fork at any time.

    :param url: any SQLAlchemy URL of SQLite or PostgreSQL.
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

    def upgrade(self) -> None:
        """Create or migrate the tables. Safe to call again, and from several places at once.

        :raises StoreNotReady: when the database cannot be reached, or is newer than this code.
        """
        with self._told(), self.engine.begin() as connection:
            schema.upgrade(connection)

    def version(self) -> str | None:
        """Give the revision of the tables there, or ``None`` when there are none."""
        with self._told(), self.engine.connect() as connection:
            return schema.revision(connection)

    def check(self) -> None:
        """Make sure that this code can work with the tables there.

        :raises StoreNotReady: when it cannot, with what to do.
        """
        found = self.version()
        if found != schema.head():
            raise schema.unusable(found, self.address)

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

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn 'no such host', 'no such table' and their like into one error that says where and what to do."""
        try:
            yield
        except OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0]
            mend = HOW_TO_MIGRATE if "no such table" in reason else "check the connection mlops_store"
            raise StoreNotReady(f"the lifecycle store: {reason}", where=self.address, mend=mend) from error
        except SQLAlchemyError as error:
            if "UndefinedTable" in str(error):
                raise StoreNotReady(
                    "the lifecycle store has no tables yet", where=self.address, mend=HOW_TO_MIGRATE
                ) from error
            raise


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_SECONDS})
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
