"""Attempts: of all attempts of a task, the one that began last may publish.

A worker that Airflow has given up may live on beside its retry. Whatever it then writes is refused, because every
session of a fenced :class:`~airflow_mlops.store.database.Database` first reads, and holds, the token of its task.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from airflow_mlops.core.errors import Superseded
from airflow_mlops.store.clock import now
from airflow_mlops.store.tables import Attempt

if TYPE_CHECKING:
    from airflow_mlops.store.database import Database

FROZEN_SECONDS = 60


def begin(database: Database, key: str, *, try_number: int | None = None, try_id: str | None = None) -> str:
    """Begin an attempt: from now on no earlier one of the task can publish.

    An attempt that comes late, after a later try has begun, does not take over. Airflow's number of a try starts again
    when a run is deleted and made anew, and its ids follow the clocks of its schedulers; so both have to say it.

    :param key: ``dag_id/run_id/task_id/map_index``.
    :param try_number: Airflow's number of the try.
    :param try_id: Airflow's id of the try, a UUID of version 7: that of a later try is larger.
    :returns: the attempt's token.
    :raises Superseded: when a later try has begun already.
    """
    return database.retried(lambda: _begin(database, key, try_number, try_id))


def _begin(database: Database, key: str, try_number: int | None, try_id: str | None) -> str:
    token = uuid.uuid4().hex
    with database.session() as session:
        session.execute(select(*_not_frozen(session), literal(1)))
        found = session.get(Attempt, key, with_for_update=True)
        if found is None:
            found = Attempt(key=key)
            session.add(found)
        elif _is_later(found, try_number, try_id):
            raise _superseded(found, key)
        found.token, found.began_at = token, now()
        found.try_number, found.try_id = try_number, try_id
    return token


def hold(session: Session, key: str, token: str) -> None:
    """Make sure that an attempt is the task's last, and that it stays so to the end of the session.

    :raises Superseded: when it is not.
    """
    # Shared: sessions of one attempt need not wait for each other, while the next attempt's begin waits for them all.
    query = select(Attempt, *_not_frozen(session)).where(Attempt.key == key).with_for_update(read=True)
    row = session.execute(query).first()
    found = None if row is None else row[0]
    if found is None or found.token != token:
        raise _superseded(found, key)


def _not_frozen(session: Session) -> list[ColumnElement[str]]:
    """Give what to select beside so that PostgreSQL ends a session whose process has stopped in the middle of it.

    Its locks would keep the next attempt waiting for as long as the dead machine's connection seems to be alive.
    """
    if session.get_bind().dialect.name != "postgresql":
        return []
    return [func.set_config("idle_in_transaction_session_timeout", str(FROZEN_SECONDS * 1000), True)]


def _is_later(found: Attempt, try_number: int | None, try_id: str | None) -> bool:
    """Tell whether an attempt that has begun is of a later try than this one."""
    if found.try_number is None or found.try_id is None or try_number is None or try_id is None:
        return False
    return found.try_number > try_number and found.try_id > try_id


def _superseded(by: Attempt | None, key: str) -> Superseded:
    if by is None:
        return Superseded(
            "the lifecycle store does not know this attempt of the task",
            where=key,
            mend="the store was restored from a backup meanwhile: clear the task, so that it runs again",
        )
    number = "" if by.try_number is None else f", try {by.try_number}"
    return Superseded(
        f"a later attempt of this task has taken over{number}, begun at {by.began_at.isoformat(timespec='seconds')}",
        where=key,
        mend="nothing: this attempt has published nothing since, look at the later one",
    )
