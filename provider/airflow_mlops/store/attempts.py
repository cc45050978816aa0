"""Attempts: of all attempts of a task, the one that began last may publish.

A worker that Airflow has given up may live on beside its retry. Whatever it then writes is refused, because every
session of a fenced :class:`~airflow_mlops.store.database.Database` first reads, and holds, the token of its task.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, String, and_, delete, func, literal, select, type_coerce
from sqlalchemy.orm import Session

from airflow_mlops.core.errors import Superseded
from airflow_mlops.store.clock import now
from airflow_mlops.store.tables import Attempt, Claim

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


def forgettable(database: Database, before: datetime) -> dict[str, int]:
    """Count the attempts whose task is done with: begun long ago, and with no claim that is still open.

    An attempt that is forgotten can publish no more, nor can those before it. One that has not even begun yet, of a
    try that Airflow gave up long ago, would no longer be told from a new one: so ``before`` has to be long ago.

    :param before: when they have to have begun before.
    :returns: the day (UTC) on which they began -> how many, oldest first.
    """
    day = _day()
    with database.session() as session:
        query = select(day, func.count()).where(_done(session, before)).group_by(day).order_by(day)
        return {str(began): count for began, count in session.execute(query)}


def forget(database: Database, day: str, before: datetime) -> int:
    """Remove the attempts of a day that are :func:`forgettable`; one that has begun anew meanwhile stays.

    :param day: such as ``2026-04-06``.
    :returns: how many.
    """
    with database.session() as session:
        gone = delete(Attempt).where(_done(session, before), _day() == day).returning(Attempt.key)
        return len(session.scalars(gone.execution_options(synchronize_session=False)).all())


def _done(session: Session, before: datetime) -> ColumnElement[bool]:
    opened = set(session.scalars(select(Claim.key).where(Claim.finished_at.is_(None))))
    opened |= {key.rpartition("#")[0] for key in opened}  # a trial's claim is its task's key, # and more
    return and_(Attempt.began_at < before, Attempt.key.not_in(opened))


def _day() -> ColumnElement[str]:
    return func.substr(type_coerce(Attempt.began_at, String), 1, 10)


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
