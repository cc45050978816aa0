"""What a training run trains on, and why it runs at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.monitoring.starting import StartFrom
from airflow_mlops.store import catalogue, episodes
from airflow_mlops.store.clock import from_iso, to_iso
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Episode

Cause = Literal["hand", "schedule", "drift", "backfill"]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What a training run is to do.

    :param cause: why it runs.
    :param first: the first partition of its window.
    :param cutoff: the last one: the last labelled partition.
    :param effective_at: from when on its model would be champion, on the data's clock.
    :param episode: the drift episode that it ends.
    :param start_from: what it is to start from: ``candidates``: those of the DAG; ``champion``: the champion's
        configuration; ``tuning``: a new search.
    """

    cause: Cause
    first: str
    cutoff: str
    effective_at: str
    episode: int | None = None
    start_from: StartFrom = "candidates"

    def to_dict(self) -> dict[str, Any]:
        """Give the plain dict that travels by XCom."""
        return {
            "cause": self.cause,
            "first": self.first,
            "cutoff": self.cutoff,
            "effective_at": self.effective_at,
            "episode": self.episode,
            "start_from": self.start_from,
        }


def plan(
    database: Database,
    *,
    model: str,
    labels: str,
    cause: Cause,
    actor: str,
    window: int,
    label_delay: timedelta,
    cutoff: str | None = None,
    as_of: str | None = None,
    start_from: StartFrom = "candidates",
) -> TrainingPlan | None:
    """Decide what a training run trains on; ``None`` when there is nothing to do.

    A requested drift episode is claimed first (not by a backfill, nor when a cut-off is asked for by hand), whatever
    woke the run up: the store knows of the request, so a lost, doubled or late event changes nothing.

    :param labels: the dataset of labels in the catalogue; a partition is there once its labels have matured. Its
        partitions are ISO dates or moments.
    :param cause: the door through which the run came in.
    :param actor: ``dag_id/run_id``: a retry finds its own claim again.
    :param window: at most so many labelled partitions, the newest ones, also of a drift episode.
    :param label_delay: how long after its partition a label is known.
    :param cutoff: exactly this last partition.
    :param as_of: labels that were known at this moment: the end of the data interval of a scheduled or backfilled run.
    :param start_from: what the retraining of an episode starts from.
    :raises BadInput: when the asked cut-off has no labels.
    """
    labelled = [str(ref.partition) for ref in catalogue.partitions(database, labels)]
    if cutoff is None and cause != "backfill":
        for episode in episodes.requested(database, [model]) + _own(database, model, actor):
            if episodes.claim(database, episode.id, actor=actor):
                return _of(episode, labelled, window, start_from)
    if cause == "drift":
        return None
    if cutoff is not None and cutoff not in labelled:
        raise BadInput(
            f"partition {cutoff} of {labels!r} has no labels",
            where=f"labelled: {labelled[0]} to {labelled[-1]}" if labelled else "no partition has labels",
            mend="ask for a labelled partition, or ingest its labels first",
        )
    known = _known(labelled, cutoff, as_of, label_delay)
    if not known:
        return None
    first = known[-window:][0]
    changes = [e.change_partition for e in episodes.all_of(database, model) if e.outcome == "promoted"]
    # What was before a change that the model has already followed is another world: not to be mixed in again.
    first = max([first, *(c for c in changes if c <= known[-1])])
    return TrainingPlan(cause, first, known[-1], after(as_of or to_iso(from_iso(known[-1]) + label_delay)))


def _of(episode: Episode, labelled: list[str], window: int, start_from: StartFrom) -> TrainingPlan:
    """Give the plan of a claimed episode: what it asked for, and no more partitions than the window allows."""
    cutoff = str(episode.cutoff)
    first = episode.first or episode.change_partition
    newest = [p for p in labelled if first <= p <= cutoff][-window:]
    first = newest[0] if newest else first
    return TrainingPlan("drift", first, cutoff, after(str(episode.requested_partition)), episode.id, start_from)


def _known(labelled: list[str], cutoff: str | None, as_of: str | None, label_delay: timedelta) -> list[str]:
    """List the labelled partitions that a run may train on: up to its cut-off, or known at its moment."""
    if cutoff is not None:
        return [p for p in labelled if p <= cutoff]
    if as_of is None:
        return labelled
    last = from_iso(as_of) - label_delay
    return [p for p in labelled if from_iso(p) <= last]


def after(partition: str) -> str:
    """Give the moment just after a partition's cut-off: that partition itself was still served by the old champion."""
    return to_iso(from_iso(partition) + timedelta(seconds=1))


def _own(database: Database, model: str, actor: str) -> list[Episode]:
    """Give the episode that this run has claimed already, for a retry; not one that asks for a rollback."""
    current = episodes.current(database, model)
    mine = current is not None and current.claimed_by == actor and current.action == episodes.RETRAIN
    return [current] if current is not None and mine else []
