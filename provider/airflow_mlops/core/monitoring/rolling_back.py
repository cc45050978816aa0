"""The other way out of an episode: trouble that came with a promotion goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_mlops.core.errors import MlopsError, Superseded
from airflow_mlops.core.monitoring.retraining import after
from airflow_mlops.core.registry.rollback import rollback
from airflow_mlops.store import episodes, ledger
from airflow_mlops.store.clock import from_iso
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Episode, LedgerEntry

if TYPE_CHECKING:
    from mlflow import MlflowClient


def roll_back_requested(client: MlflowClient, database: Database, *, model: str, actor: str) -> LedgerEntry | None:
    """Claim the model's episode that asks for a rollback, do it, and close it; ``None`` when none asks.

    One run does it, however many come; a retry finds its own claim again, and what it has done already.

    :param actor: ``dag_id/run_id/task_id/map_index``.
    :raises MlopsError: when it cannot be rolled back: the episode is given back, and asks again only so often.
    """
    for episode in episodes.requested(database, [model], action=episodes.ROLL_BACK) + _own(database, model, actor):
        if episodes.claim(database, episode.id, actor=actor):
            return _done(client, database, episode, actor)
    return None


def _done(client: MlflowClient, database: Database, episode: Episode, actor: str) -> LedgerEntry | None:
    """Roll back, unless the champion that the episode is about is champion no more by somebody else's doing."""
    head = ledger.head(database, episode.model)
    before = ledger.done_by(database, episode.model, "rollback", actor)
    if before is None and (head is None or head.version != episode.version):
        episodes.close(database, episode.id, actor=actor, outcome="superseded")
        return None
    try:
        entry = rollback(
            client,
            database,
            model=episode.model,
            reason=f"episode {episode.number}: trouble since {episode.change_partition}, soon after the promotion",
            actor=actor,
            effective_at=from_iso(after(str(episode.requested_partition))),
        )
    except Superseded:
        raise
    except MlopsError as error:
        episodes.give_back(database, episode.id, actor=actor, outcome=f"failed: {error.what}"[:200])
        raise
    episodes.close(database, episode.id, actor=actor, outcome="rolled_back")
    return entry


def _own(database: Database, model: str, actor: str) -> list[Episode]:
    current = episodes.current(database, model)
    mine = current is not None and current.claimed_by == actor and current.action == episodes.ROLL_BACK
    return [current] if current is not None and mine else []
