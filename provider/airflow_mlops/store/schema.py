"""Schema revision of the store's tables, and migration to the newest one.

The migrations in the folder ``migrations`` are Alembic's. Alembic is imported only to upgrade: at its start a task
checks the revision with one query.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, func, inspect, select, table

from airflow_mlops.common.errors import StoreNotReady

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "mlops_alembic_version"
HOW_TO_MIGRATE = "run 'airflow mlops db upgrade' once, with a login that may create tables"
_FOLDER = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 0x6D6C6F7073  # "mlops"
_alembic_lock = threading.Lock()  # Alembic keeps the running migration in a global


@cache
def revisions() -> tuple[str, ...]:
    """Return the revisions that this code supports, oldest first: the numbers of the migration files."""
    return tuple(sorted(file.stem.partition("_")[0] for file in (_FOLDER / "versions").glob("[0-9]*_*.py")))


def head() -> str:
    """Return the revision that this code needs."""
    return revisions()[-1]


def revision(connection: Connection) -> str | None:
    """Return the revision of the existing tables; ``None`` when there are none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    number = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return None if number is None else str(number)


def upgrade(connection: Connection) -> None:
    """Migrate the tables to the newest revision, in the transaction of the connection: all of it or nothing.

    Of two concurrent callers the second waits and then has nothing to do.

    :raises StoreNotReady: when the tables are newer than this code.
    """
    if connection.dialect.name == "postgresql":  # in SQLite the transaction has locked the file at its start
        connection.execute(select(func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
    current = revision(connection)
    if current == head():
        return
    if is_newer(current):
        raise unusable_error(current, connection.engine.url.render_as_string(hide_password=True))
    from alembic import command

    with _alembic_lock:
        command.upgrade(_config(connection), "head")


def write_migration(connection: Connection, message: str) -> None:
    """Write the next migration file from the difference between ``tables.py`` and a migrated database.

    For development only; review the file before you commit it.

    :param message: a short description, which also names the file.
    """
    from alembic import command

    with _alembic_lock:
        command.revision(_config(connection), message, autogenerate=True, rev_id=f"{int(head()) + 1:04}")
    revisions.cache_clear()


def is_newer(current: str | None) -> bool:
    """Check whether a revision is from a later release than this code."""
    return current is not None and current not in revisions()


def unusable_error(current: str | None, where: str) -> StoreNotReady:
    """Return the error for tables that this code cannot work with.

    :param current: their revision.
    :param where: the store's address.
    """
    if current is None:
        return StoreNotReady("the lifecycle store has no tables yet", where=where, hint=HOW_TO_MIGRATE)
    if is_newer(current):
        return StoreNotReady(
            f"the lifecycle store has schema {current}, newer than this code, which supports schemas up to {head()}",
            where=where,
            hint="install the release of airflow-provider-mlops that migrated it, here and on every worker",
        )
    return StoreNotReady(
        f"the lifecycle store has schema {current}, this code needs schema {head()}", where=where, hint=HOW_TO_MIGRATE
    )


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
