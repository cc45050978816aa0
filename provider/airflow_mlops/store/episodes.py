"""Drift episodes: one open a model, each state change a compare-and-set.

``open`` (drift was seen) -> ``requested`` (labels allow a retraining) -> ``retraining`` (a run has claimed it) ->
``closed``. A retraining that fails gives the episode back as ``open``. What is asked for may also be that the champion
before takes over again.
"""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Episode

RETRAIN, ROLL_BACK = "retrain", "roll_back"


def current(database: Database, model: str) -> Episode | None:
    """Give the model's episode that is not closed, if there is one."""
    with database.session() as session:
        return session.scalars(select(Episode).where(Episode.model == model, Episode.closed_at.is_(None))).first()


def all_of(database: Database, model: str) -> list[Episode]:
    """Give all episodes of a model, oldest first."""
    with database.session() as session:
        return list(session.scalars(select(Episode).where(Episode.model == model).order_by(Episode.number)))


def open_one(
    database: Database, *, model: str, version: int, change_partition: str, report: str | None, action: str = RETRAIN
) -> Episode | None:
    """Open an episode; ``None`` when one is open already (then there is nothing to do).

    :param action: what it will ask for: ``retrain`` or ``roll_back``.
    """
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
                action=action,
            )
            session.add(episode)
    except IntegrityError:
        return None
    return episode


def request(database: Database, episode: int, *, partition: str, cutoff: str | None, first: str | None = None) -> bool:
    """``open`` -> ``requested``: ask for what the episode is to lead to. Gives whether this call did it.

    :param partition: the partition on whose evidence it is asked: the data's clock.
    :param cutoff: the last labelled partition, where the training data end; ``None`` for a rollback.
    :param first: where they begin; default: at the change.
    """
    with database.session() as session:
        found = session.get(Episode, episode)
        if found is None or found.state != "open":
            return False
        # Nobody may have asked in between: then its place in the list of what was asked would be lost.
        query = update(Episode).where(
            Episode.id == episode, Episode.state == "open", Episode.attempts == found.attempts
        )
        values = {
            "state": "requested",
            "requested_partition": partition,
            "cutoff": cutoff,
            "first": first,
            "attempts": found.attempts + 1,
            "asked": [*asked(found), partition],
        }
        return bool(session.execute(query.values(**values)).rowcount)  # type: ignore[attr-defined]


def asked(episode: Episode) -> list[str]:
    """Give the partitions at which an episode has asked for something, oldest first."""
    if episode.asked is not None:
        return [str(partition) for partition in episode.asked]
    return [] if episode.requested_partition is None else [episode.requested_partition]


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


def recover(database: Database, episode: int, *, partition: str) -> bool:
    """``open`` -> ``closed``: what opened it has gone away by itself.

    :param partition: the partition that shows it: the data's clock.
    """
    return _move(database, episode, "open", "closed", outcome="recovered", closed_at=now(), closed_partition=partition)


def requested(database: Database, models: list[str] | None = None, *, action: str = RETRAIN) -> list[Episode]:
    """Give the episodes that wait for a training run, or for a rollback, of these models or of all."""
    query = select(Episode).where(Episode.state == "requested", Episode.action == action)
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
