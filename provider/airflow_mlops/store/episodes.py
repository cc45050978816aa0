"""Drift episodes: one open a model, each state change a compare-and-set.

``open`` (drift was seen) -> ``requested`` (labels allow a retraining) -> ``retraining`` (a run has claimed it) ->
``closed``. A retraining that fails gives the episode back as ``open``.
"""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Episode


def current(database: Database, model: str) -> Episode | None:
    """Give the model's episode that is not closed, if there is one."""
    with database.session() as session:
        return session.scalars(select(Episode).where(Episode.model == model, Episode.closed_at.is_(None))).first()


def all_of(database: Database, model: str) -> list[Episode]:
    """Give all episodes of a model, oldest first."""
    with database.session() as session:
        return list(session.scalars(select(Episode).where(Episode.model == model).order_by(Episode.number)))


def open_one(
    database: Database, *, model: str, version: int, change_partition: str, report: str | None
) -> Episode | None:
    """Open an episode; ``None`` when one is open already (then there is nothing to do)."""
    try:
        with database.session() as session:
            if session.scalars(select(Episode.id).where(Episode.model == model, Episode.closed_at.is_(None))).first():
                return None
            last = session.scalar(select(func.max(Episode.number)).where(Episode.model == model))
            episode = Episode(
                model=model,
                number=(last or 0) + 1,
                version=version,
                state="open",
                change_partition=change_partition,
                opened_report=report,
                opened_at=now(),
                attempts=0,
            )
            session.add(episode)
    except IntegrityError:
        return None
    return episode


def request(database: Database, episode: int, *, partition: str, cutoff: str) -> bool:
    """``open`` -> ``requested``: ask for the retraining. Gives whether this call did it.

    :param partition: the partition on whose evidence it is asked: the data's clock.
    :param cutoff: the last labelled partition, where the training data end.
    """
    return _move(
        database,
        episode,
        "open",
        "requested",
        requested_partition=partition,
        cutoff=cutoff,
        attempts=Episode.attempts + 1,
    )


def claim(database: Database, episode: int, *, actor: str) -> bool:
    """``requested`` -> ``retraining``: one training run takes it. Gives whether this run has it, now or from before."""
    if _move(database, episode, "requested", "retraining", claimed_by=actor):
        return True
    with database.session() as session:
        found = session.get(Episode, episode)
        return found is not None and found.state == "retraining" and found.claimed_by == actor


def close(database: Database, episode: int, *, actor: str, outcome: str) -> bool:
    """``retraining`` -> ``closed``, by the run that claimed it."""
    return _move(database, episode, "retraining", "closed", actor=actor, outcome=outcome, closed_at=now())


def give_back(database: Database, episode: int, *, actor: str, outcome: str) -> bool:
    """``retraining`` -> ``open``: the run failed, so the next window asks again."""
    return _move(database, episode, "retraining", "open", actor=actor, outcome=outcome, claimed_by=None)


def supersede(database: Database, episode: int) -> bool:
    """``open`` or ``requested`` -> ``closed``: the champion that it was about has been replaced meanwhile."""
    return any(
        _move(database, episode, state, "closed", outcome="superseded", closed_at=now())
        for state in ("open", "requested")
    )


def requested(database: Database, models: list[str] | None = None) -> list[Episode]:
    """Give the episodes that wait for a training run, of these models or of all."""
    query = select(Episode).where(Episode.state == "requested")
    if models is not None:
        query = query.where(Episode.model.in_(models))
    with database.session() as session:
        return list(session.scalars(query.order_by(Episode.id)))


def _move(
    database: Database, episode: int, before: str, after: str, *, actor: str | None = None, **values: object
) -> bool:
    query = update(Episode).where(Episode.id == episode, Episode.state == before)
    if actor is not None:
        query = query.where(Episode.claimed_by == actor)
    with database.session() as session:
        return bool(session.execute(query.values(state=after, **values)).rowcount)  # type: ignore[attr-defined]
