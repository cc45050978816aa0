"""Claims: what a task has made, so that its retry finds it instead of making a second one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Base, Claim


def begin(database: Database, kind: str, key: str) -> dict[str, Any] | None:
    """Claim the making of one thing for a key, or learn what an earlier attempt left.

    :param kind: what is made: ``run`` or ``version``.
    :param key: ``dag_id/run_id/task_id/map_index``; never the number of the try.
    :returns: what an earlier attempt noted (``finished`` says whether it came to its end), or ``None`` when this is
        the first.
    """
    try:
        with database.session() as session:
            session.add(Claim(kind=kind, key=key, value=None, claimed_at=now(), finished_at=None))
    except IntegrityError:
        with database.session() as session:
            claim = session.scalars(select(Claim).where(Claim.kind == kind, Claim.key == key)).one()
            return _left(claim)
    return None


def finish(database: Database, kind: str, key: str, value: dict[str, Any], *, holder: str) -> bool:
    """Write down what the claimed thing is at its end, if the run that the claim was last noted for is still the
    holder.

    :param holder: the ``run_id`` that :func:`note` was given.
    :returns: whether it was; if not, a later attempt has taken the claim over.
    """
    with database.session() as session:
        query = select(Claim).where(Claim.kind == kind, Claim.key == key).with_for_update()
        claim = session.scalars(query).one()
        if (claim.value or {}).get("run_id") != holder:
            return False
        claim.value, claim.finished_at = value, now()
        return True


def note(database: Database, kind: str, key: str, value: dict[str, Any], *, finished: bool) -> None:
    """Write down what the claimed thing is, so far or at its end."""
    with database.session() as session:
        _write(session, kind, key, value, finished=finished)


def conclude(database: Database, kind: str, key: str, value: dict[str, Any], *, beside: Base) -> None:
    """Write down what the claimed thing is at its end, together with the row that tells all of it: both or neither.

    :param beside: the row; takes the place of one with the same primary key.
    """
    with database.session() as session:
        session.merge(beside)
        _write(session, kind, key, value, finished=True)


def look(database: Database, kind: str, key: str) -> dict[str, Any] | None:
    """Give what :func:`begin` would give, claiming nothing."""
    with database.session() as session:
        claim = session.scalars(select(Claim).where(Claim.kind == kind, Claim.key == key)).first()
        return None if claim is None else _left(claim)


def _write(session: Session, kind: str, key: str, value: dict[str, Any], *, finished: bool) -> None:
    claim = session.scalars(select(Claim).where(Claim.kind == kind, Claim.key == key)).one()
    claim.value = value
    claim.finished_at = now() if finished else None


def _left(claim: Claim) -> dict[str, Any]:
    return {**(claim.value or {}), "finished": claim.finished_at is not None}
