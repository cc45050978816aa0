"""What a training run trains on, and why it runs at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from airflow_mlops.core.errors import BadInput
from airflow_mlops.store import catalogue, episodes
from airflow_mlops.store.clock import from_iso, to_iso
from airflow_mlops.store.database import Database

Cause = Literal["hand", "schedule", "drift", "backfill"]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What a training run is to do.

    :param cause: why it runs.
    :param first: the first partition of its window.
    :param cutoff: the last one: the last labelled partition.
    :param effective_at: from when on its model would be champion, on the data's clock.
    :param episode: the drift episode that it ends.
    """

    cause: Cause
    first: str
    cutoff: str
    effective_at: str
    episode: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the plain dict that travels by XCom."""
        return {
            "cause": self.cause,
            "first": self.first,
            "cutoff": self.cutoff,
            "effective_at": self.effective_at,
            "episode": self.episode,
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
) -> TrainingPlan | None:
    """Decide what a training run trains on; ``None`` when there is nothing to do.

    A requested drift episode is claimed first (not by a backfill, nor when a cut-off is asked for by hand), whatever
    woke the run up: the store knows of the request, so a lost, doubled or late event changes nothing.

    :param labels: the dataset of labels in the catalogue; a partition is there once its labels have matured.
    :param cause: the door through which the run came in.
    :param actor: ``dag_id/run_id``: a retry finds its own claim again.
    :param window: at most so many labelled partitions, the newest ones.
    :param label_delay: how long after its partition a label is known.
    :param cutoff: exactly this last partition.
    :param as_of: labels that were known at this moment: the end of the data interval of a scheduled or backfilled run.
    :raises BadInput: when the asked cut-off has no labels.
    """
    if cutoff is None and cause != "backfill":
        for episode in episodes.requested(database, [model]) + _own(database, model, actor):
            if episodes.claim(database, episode.id, actor=actor):
                known = str(episode.requested_partition)
                return TrainingPlan("drift", episode.change_partition, str(episode.cutoff), after(known), episode.id)
    if cause == "drift":
        return None
    labelled = [str(ref.partition) for ref in catalogue.partitions(database, labels)]
    if cutoff is not None and cutoff not in labelled:
        raise BadInput(
            f"partition {cutoff} of {labels!r} has no labels",
            where=f"labelled: {labelled[0]} to {labelled[-1]}" if labelled else "no partition has labels",
            mend="ask for a labelled partition, or ingest its labels first",
        )
    if cutoff is not None:
        as_of = as_of or _day(from_iso(cutoff) + label_delay)
    last = cutoff or (_day(from_iso(as_of) - label_delay) if as_of else None)
    known_labels = [p for p in labelled if last is None or p <= last]
    if not known_labels:
        return None
    first = known_labels[-window:][0]
    changes = [e.change_partition for e in episodes.all_of(database, model) if e.outcome == "promoted"]
    # What was before a change that the model has already followed is another world: not to be mixed in again.
    first = max([first, *(c for c in changes if c <= known_labels[-1])])
    return TrainingPlan(cause, first, known_labels[-1], after(as_of or _day(from_iso(known_labels[-1]) + label_delay)))


def after(partition: str) -> str:
    """Give the moment just after a partition's cut-off: that partition itself was still served by the old champion."""
    return to_iso(from_iso(partition) + timedelta(seconds=1))


def _own(database: Database, model: str, actor: str) -> list[Any]:
    current = episodes.current(database, model)
    return [current] if current is not None and current.claimed_by == actor else []


def _day(moment: Any) -> str:
    return str(moment.date().isoformat())
