"""Drift episodes: at most one open per model, each state change a compare-and-set.

``open`` (drift was detected) -> ``requested`` (enough labels for a retraining) -> ``retraining`` (claimed by a run) ->
``closed``. A retraining that fails returns the episode to ``open``. An episode may also request a rollback to the
previous champion.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Episode

RETRAIN, ROLL_BACK = "retrain", "roll_back"


def current(database: Database, model: str) -> Episode | None:
    """Return the model's open episode; ``None`` when there is none."""
    with database.session() as session:
        return session.scalars(select(Episode).where(Episode.model == model, Episode.closed_at.is_(None))).first()


def of_model(database: Database, model: str) -> list[Episode]:
    """Return all episodes of a model, oldest first."""
    with database.session() as session:
        return list(session.scalars(select(Episode).where(Episode.model == model).order_by(Episode.number)))


def open_episode(
    database: Database, *, model: str, version: int, change_partition: str, report: str | None, action: str = RETRAIN
) -> Episode | None:
    """Open an episode and return it; ``None`` when one is open already.

    :param action: what it will request: ``retrain`` or ``roll_back``.
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


def request(
    database: Database, episode: int, *, partition: str, cutoff: str | None, first_partition: str | None = None
) -> bool:
    """``open`` -> ``requested``: request the episode's action. Return whether this call did it.

    :param partition: the partition that gave the evidence: the data's clock.
    :param cutoff: the last labelled partition, where the training data end; ``None`` for a rollback.
    :param first_partition: the first partition of the training data; default: the change.
    """
    with database.session() as session:
        row = session.get(Episode, episode)
        if row is None or row.state != "open":
            return False
        # A concurrent request would lose its place in the list of requests, so the count has to be unchanged.
        query = update(Episode).where(Episode.id == episode, Episode.state == "open", Episode.attempts == row.attempts)
        values: dict[Any, Any] = {
            Episode.state: "requested",
            Episode.requested_partition: partition,
            Episode.cutoff: cutoff,
            Episode.first_partition: first_partition,
            Episode.attempts: row.attempts + 1,
            Episode.request_history: [*request_history(row), partition],
        }
        return bool(session.execute(query.values(values)).rowcount)  # type: ignore[attr-defined]


def request_history(episode: Episode) -> list[str]:
    """Return the partitions at which an episode made its requests, oldest first."""
    if episode.request_history is not None:
        return [str(partition) for partition in episode.request_history]
    return [] if episode.requested_partition is None else [episode.requested_partition]


def claim(database: Database, episode: int, *, actor: str) -> bool:
    """``requested`` -> ``retraining``: one training run claims it. Return whether this run holds it, now or already."""
    if _move(database, episode, "requested", "retraining", claimed_by=actor):
        return True
    with database.session() as session:
        row = session.get(Episode, episode)
        return row is not None and row.state == "retraining" and row.claimed_by == actor


def close(database: Database, episode: int, *, actor: str, outcome: str) -> bool:
    """``retraining`` -> ``closed``, by the run that claimed it."""
    return _move(database, episode, "retraining", "closed", actor=actor, outcome=outcome, closed_at=now())


def release(database: Database, episode: int, *, actor: str, outcome: str) -> bool:
    """``retraining`` -> ``open``: the run failed, so the next window requests again."""
    return _move(database, episode, "retraining", "open", actor=actor, outcome=outcome, claimed_by=None)


def supersede(database: Database, episode: int) -> bool:
    """``open`` or ``requested`` -> ``closed``: its champion has been replaced since."""
    return any(
        _move(database, episode, state, "closed", outcome="superseded", closed_at=now())
        for state in ("open", "requested")
    )


def mark_recovered(database: Database, episode: int, *, partition: str) -> bool:
    """``open`` -> ``closed``: the drift has disappeared without a retraining.

    :param partition: the partition that shows it: the data's clock.
    """
    return _move(database, episode, "open", "closed", outcome="recovered", closed_at=now(), closed_partition=partition)


def pending_requests(database: Database, models: list[str] | None = None, *, action: str = RETRAIN) -> list[Episode]:
    """Return the episodes that wait for a training run, or for a rollback, of these models or of all."""
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
