"""Claims: what a task has created, so that its retry finds it instead of creating a second one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Base, Claim


def begin(database: Database, kind: str, key: str) -> dict[str, Any] | None:
    """Claim the creation of one object for a key, or return what an earlier attempt stored.

    :param kind: what is created: ``run`` or ``version``.
    :param key: ``dag_id/run_id/task_id/map_index``; never the number of the try.
    :returns: the value of an earlier attempt (``finished`` is whether it completed); ``None`` for the first attempt.
    """
    try:
        with database.session() as session:
            session.add(Claim(kind=kind, key=key, value=None, claimed_at=now(), finished_at=None))
    except IntegrityError:
        with database.session() as session:
            claim = session.scalars(select(Claim).where(Claim.kind == kind, Claim.key == key)).one()
            return _value(claim)
    return None


def finish(database: Database, kind: str, key: str, value: dict[str, Any], *, holder: str) -> bool:
    """Finish a claim with its final value, if the run last stored with :func:`note` still holds it.

    :param holder: the ``run_id`` that was passed to :func:`note`.
    :returns: whether it did; if not, a later attempt has taken the claim over.
    """
    with database.session() as session:
        query = select(Claim).where(Claim.kind == kind, Claim.key == key).with_for_update()
        claim = session.scalars(query).one()
        if (claim.value or {}).get("run_id") != holder:
            return False
        claim.value, claim.finished_at = value, now()
        return True


def record(database: Database, kind: str, key: str, value: dict[str, Any], *, finished: bool) -> None:
    """Store the current or final value of a claim."""
    with database.session() as session:
        _write(session, kind, key, value, finished=finished)


def finish_with_row(database: Database, kind: str, key: str, value: dict[str, Any], *, row: Base) -> None:
    """Finish a claim and save the row of the created object in one transaction.

    :param row: the row; replaces one with the same primary key.
    """
    with database.session() as session:
        session.merge(row)
        _write(session, kind, key, value, finished=True)


def get(database: Database, kind: str, key: str) -> dict[str, Any] | None:
    """Return what :func:`begin` would return, without claiming."""
    with database.session() as session:
        claim = session.scalars(select(Claim).where(Claim.kind == kind, Claim.key == key)).first()
        return None if claim is None else _value(claim)


def _write(session: Session, kind: str, key: str, value: dict[str, Any], *, finished: bool) -> None:
    claim = session.scalars(select(Claim).where(Claim.kind == kind, Claim.key == key)).one()
    claim.value = value
    claim.finished_at = now() if finished else None


def _value(claim: Claim) -> dict[str, Any]:
    return {**(claim.value or {}), "finished": claim.finished_at is not None}
