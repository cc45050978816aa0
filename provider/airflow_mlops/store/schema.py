"""Which revision of our tables a database has, and bringing it to the newest one.

The revisions are Alembic's, in the folder ``migrations``. Alembic is imported only to upgrade: what a task asks at its
start, whether the tables are those that this code knows, is one query.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, column, func, inspect, select, table

from airflow_mlops.core.errors import StoreNotReady

VERSION_TABLE = "mlops_alembic_version"
HOW_TO_MIGRATE = "run 'airflow mlops db upgrade' once, with a login that may create tables"
EARLIER = "earlier"
TARGET = "head"
_EARLIER_TABLE = "mlops_schema_version"
_FOLDER = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 0x6D6C6F7073  # "mlops"
_one_at_a_time = threading.Lock()  # Alembic keeps the migration that runs in a global of its own


@cache
def revisions() -> tuple[str, ...]:
    """Give the revisions that this code knows, oldest first: the files' numbers."""
    return tuple(sorted(file.stem.partition("_")[0] for file in (_FOLDER / "versions").glob("[0-9]*_*.py")))


def head() -> str:
    """Give the revision that this code needs."""
    return revisions()[-1]


def revision(connection: Connection) -> str | None:
    """Give the revision of the tables there: ``None`` without any, :data:`EARLIER` before Alembic kept it."""
    there = inspect(connection)
    if there.has_table(VERSION_TABLE):
        found = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
        if found is not None:
            return str(found)
    return EARLIER if there.has_table(_EARLIER_TABLE) else None


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest revision, in the transaction of the connection: all of it or nothing.

    Of two at once the second waits and finds nothing left to do. A store of an earlier release is taken over.

    :raises StoreNotReady: when the tables are newer than this code.
    """
    if connection.dialect.name == "postgresql":  # in SQLite the transaction has locked the file at its start
        connection.execute(select(func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
    found = revision(connection)
    if found == head():
        return
    if is_newer(found):
        raise unusable(found, connection.engine.url.render_as_string(hide_password=True))
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _one_at_a_time:
        command.upgrade(config, TARGET)


def is_newer(found: str | None) -> bool:
    """Tell whether a revision is of a later release than this code."""
    return found is not None and found != EARLIER and found not in revisions()


def unusable(found: str | None, where: str) -> StoreNotReady:
    """Give the error for tables that this code cannot work with.

    :param found: their revision.
    :param where: the store's address.
    """
    if found is None:
        return StoreNotReady("the lifecycle store has no tables yet", where=where, mend=HOW_TO_MIGRATE)
    if is_newer(found):
        return StoreNotReady(
            f"the lifecycle store has schema {found}, newer than this code, which knows schemas up to {head()}",
            where=where,
            mend="install the release of airflow-provider-mlops that migrated it, here and on every worker",
        )
    has = "tables of an earlier release" if found == EARLIER else f"schema {found}"
    return StoreNotReady(
        f"the lifecycle store has {has}, this code needs schema {head()}", where=where, mend=HOW_TO_MIGRATE
    )
