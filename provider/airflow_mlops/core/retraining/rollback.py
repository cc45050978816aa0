"""Rollback of a promotion, requested by a drift episode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_mlops.common.errors import MlopsError, Superseded
from airflow_mlops.core.registry.rollback import rollback
from airflow_mlops.core.retraining.plan import effective_time
from airflow_mlops.store import episodes, ledger
from airflow_mlops.store.clock import from_iso
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Episode, LedgerEntry

if TYPE_CHECKING:
    from mlflow import MlflowClient


def execute_requested_rollback(
    client: MlflowClient, database: Database, *, model: str, actor: str
) -> LedgerEntry | None:
    """Claim, execute and close the model's rollback episode; return ``None`` when there is no request.

    Only one run executes it; a retry recognises its own claim and its completed work.

    :param actor: ``dag_id/run_id/task_id/map_index``.
    :raises MlopsError: when the rollback fails: the episode is released, and may be requested again until its limit.
    """
    for episode in episodes.pending_requests(database, [model], action=episodes.ROLL_BACK) + _claimed_episodes(
        database, model, actor
    ):
        if episodes.claim(database, episode.id, actor=actor):
            return _execute(client, database, episode, actor)
    return None


def _execute(client: MlflowClient, database: Database, episode: Episode, actor: str) -> LedgerEntry | None:
    """Roll back, unless the episode's champion has been replaced in the meantime."""
    head = ledger.head(database, episode.model)
    completed = ledger.find_action(database, episode.model, "rollback", actor)
    if completed is None and (head is None or head.version != episode.version):
        episodes.close(database, episode.id, actor=actor, outcome="superseded")
        return None
    try:
        entry = rollback(
            client,
            database,
            model=episode.model,
            reason=f"episode {episode.number}: alarms since {episode.change_partition}, soon after the promotion",
            actor=actor,
            effective_at=from_iso(effective_time(str(episode.requested_partition))),
        )
    except Superseded:
        raise
    except MlopsError as error:
        episodes.release(database, episode.id, actor=actor, outcome=f"failed: {error.what}"[:200])
        raise
    episodes.close(database, episode.id, actor=actor, outcome="rolled_back")
    return entry


def _claimed_episodes(database: Database, model: str, actor: str) -> list[Episode]:
    current = episodes.current(database, model)
    is_own_claim = current is not None and current.claimed_by == actor and current.action == episodes.ROLL_BACK
    return [current] if current is not None and is_own_claim else []
