"""Attempts of tasks: only the one that began last may publish.

A worker that Airflow has given up on may keep running alongside its retry. Its writes are refused, because every
session of a fenced :class:`~airflow_mlops.store.database.Database` first reads and locks the token of its task.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import ColumnElement, String, and_, delete, func, literal, select, type_coerce
from sqlalchemy.orm import Session

from airflow_mlops.common.errors import Superseded
from airflow_mlops.store.clock import now
from airflow_mlops.store.tables import Attempt, Claim

T = TypeVar("T")
FROZEN_SECONDS = 60


class AttemptStore(Protocol):
    """The part of a ``Database`` that this module needs; ``database`` imports this module, not the reverse."""

    def session(self) -> AbstractContextManager[Session]:
        """Return a session that commits at its end."""

    def retry_on_conflict(self, work: Callable[[], T]) -> T:
        """Call ``work`` again when it lost a race for a row."""


def begin(database: AttemptStore, key: str, *, try_number: int | None = None, try_id: str | None = None) -> str:
    """Begin an attempt; from now on no earlier attempt of the task can publish.

    An attempt does not take over from a later try that has already begun. Neither number nor id proves alone that a
    try is later: Airflow restarts the numbers when a run is deleted and recreated, and ids follow the schedulers'
    clocks. So both have to be larger.

    :param key: ``dag_id/run_id/task_id/map_index``.
    :param try_number: Airflow's number of the try.
    :param try_id: Airflow's id of the try, a version 7 UUID: later tries have larger ones.
    :returns: the attempt's token.
    :raises Superseded: when a later try has begun already.
    """
    return database.retry_on_conflict(lambda: _begin(database, key, try_number, try_id))


def _begin(database: AttemptStore, key: str, try_number: int | None, try_id: str | None) -> str:
    token = uuid.uuid4().hex
    with database.session() as session:
        session.execute(select(*_idle_timeout(session), literal(1)))
        attempt = session.get(Attempt, key, with_for_update=True)
        if attempt is None:
            attempt = Attempt(key=key)
            session.add(attempt)
        elif _is_later(attempt, try_number, try_id):
            raise _superseded(attempt, key)
        attempt.token, attempt.started_at = token, now()
        attempt.try_number, attempt.try_id = try_number, try_id
    return token


def lock_current(session: Session, key: str, token: str) -> None:
    """Check that an attempt is the task's last one, and lock it so until the end of the session.

    :raises Superseded: when it is not.
    """
    # A shared lock: sessions of one attempt do not wait for each other, but the next attempt's begin waits for all.
    query = select(Attempt, *_idle_timeout(session)).where(Attempt.key == key).with_for_update(read=True)
    row = session.execute(query).first()
    attempt = None if row is None else row[0]
    if attempt is None or attempt.token != token:
        raise _superseded(attempt, key)


def count_expired(database: AttemptStore, before: datetime) -> dict[str, int]:
    """Count the attempts that can be deleted: begun long ago, and without an open claim of their task.

    A deleted attempt can no longer publish, nor can those before it. ``before`` has to be long ago: a delayed first
    start of a try that Airflow gave up on would otherwise look like a new attempt.

    :param before: the time before which they have begun.
    :returns: day (UTC) on which they began -> count, oldest first.
    """
    day = _began_day()
    with database.session() as session:
        query = select(day, func.count()).where(_is_expired(session, before)).group_by(day).order_by(day)
        return {str(began): count for began, count in session.execute(query)}


def delete_expired(database: AttemptStore, day: str, before: datetime) -> int:
    """Delete the :func:`forgettable` attempts of a day; one that has begun again since then stays.

    :param day: such as ``2026-04-06``.
    :returns: the number of deleted attempts.
    """
    with database.session() as session:
        query = delete(Attempt).where(_is_expired(session, before), _began_day() == day).returning(Attempt.key)
        return len(session.scalars(query.execution_options(synchronize_session=False)).all())


def _is_expired(session: Session, before: datetime) -> ColumnElement[bool]:
    open_keys = set(session.scalars(select(Claim.key).where(Claim.finished_at.is_(None))))
    open_keys |= {key.rpartition("#")[0] for key in open_keys}  # a trial's claim is its task's key, "#", and a suffix
    return and_(Attempt.started_at < before, Attempt.key.not_in(open_keys))


def _began_day() -> ColumnElement[str]:
    return func.substr(type_coerce(Attempt.started_at, String), 1, 10)


def _idle_timeout(session: Session) -> list[ColumnElement[str]]:
    """Return a column to select that makes PostgreSQL end the session if its process freezes in a transaction.

    Its locks would otherwise block the next attempt for as long as the dead machine's connection seems alive.
    """
    if session.get_bind().dialect.name != "postgresql":
        return []
    return [func.set_config("idle_in_transaction_session_timeout", str(FROZEN_SECONDS * 1000), True)]


def _is_later(attempt: Attempt, try_number: int | None, try_id: str | None) -> bool:
    """Check whether a stored attempt is of a later try than the given one."""
    if attempt.try_number is None or attempt.try_id is None or try_number is None or try_id is None:
        return False
    return attempt.try_number > try_number and attempt.try_id > try_id


def _superseded(by: Attempt | None, key: str) -> Superseded:
    if by is None:
        return Superseded(
            "the lifecycle store does not know this attempt of the task",
            where=key,
            hint="the store was restored from a backup since it began: clear the task, so that it runs again",
        )
    number = "" if by.try_number is None else f", try {by.try_number}"
    return Superseded(
        f"a later attempt of this task has taken over{number}, begun at {by.started_at.isoformat(timespec='seconds')}",
        where=key,
        hint="no action needed: this attempt has published nothing since then; see the later attempt",
    )
