"""Training plans: the cause of a training run and its window of labelled partitions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.retraining.candidates import StartFrom
from airflow_mlops.store import catalogue, episodes
from airflow_mlops.store.clock import from_iso, to_iso
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Episode

Cause = Literal["manual", "schedule", "drift", "backfill"]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """The cause and the data window of a training run.

    :param cause: why the run was started.
    :param first: the first partition of the window.
    :param cutoff: the last partition of the window: the last labelled one.
    :param effective_at: when the model would become champion, on the data's clock.
    :param episode: the drift episode that the run closes.
    :param start_from: ``candidates``: those of the DAG; ``champion``: the champion's configuration; ``tuning``: a new
        search.
    """

    cause: Cause
    first: str
    cutoff: str
    effective_at: str
    episode: int | None = None
    start_from: StartFrom = "candidates"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-serialisable dict that is passed by XCom."""
        return {
            "cause": self.cause,
            "first": self.first,
            "cutoff": self.cutoff,
            "effective_at": self.effective_at,
            "episode": self.episode,
            "start_from": self.start_from,
        }


def plan_training(
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
    """Plan a training run; return ``None`` when there is nothing to train.

    A requested drift episode is claimed first, unless the run is a backfill or has a manual cut-off. The request is
    read from the store, so a lost, duplicate or late event has no effect.

    :param labels: the dataset of labels in the catalogue, which lists a partition once its labels have matured.
        Partition keys are ISO dates or timestamps.
    :param cause: what triggered the run.
    :param actor: ``dag_id/run_id``: lets a retry recognise its own claim.
    :param window: the maximum number of labelled partitions, newest first; also applies to a drift episode.
    :param label_delay: the delay from a partition to its labels.
    :param cutoff: use exactly this last partition.
    :param as_of: use labels available at this time: the end of the data interval of a scheduled or backfilled run.
    :param start_from: the candidate selection for the retraining of an episode.
    :raises BadInput: when the requested cut-off has no labels.
    """
    labelled = [str(ref.partition) for ref in catalogue.partitions(database, labels)]
    if cutoff is None and cause != "backfill":
        for episode in episodes.pending_requests(database, [model]) + _claimed_episodes(database, model, actor):
            if episodes.claim(database, episode.id, actor=actor):
                return _episode_plan(episode, labelled, window, start_from)
    if cause == "drift":
        return None
    if cutoff is not None and cutoff not in labelled:
        raise BadInput(
            f"partition {cutoff} of {labels!r} has no labels",
            where=f"labelled: {labelled[0]} to {labelled[-1]}" if labelled else "no partition has labels",
            hint="request a labelled partition, or ingest its labels first",
        )
    available = _available_labels(labelled, cutoff, as_of, label_delay)
    if not available:
        return None
    first = available[-window:][0]
    changes = [e.change_partition for e in episodes.of_model(database, model) if e.outcome == "promoted"]
    # Exclude data from before a change that a promoted model was already trained on.
    first = max([first, *(c for c in changes if c <= available[-1])])
    return TrainingPlan(
        cause, first, available[-1], effective_time(as_of or to_iso(from_iso(available[-1]) + label_delay))
    )


def _episode_plan(episode: Episode, labelled: list[str], window: int, start_from: StartFrom) -> TrainingPlan:
    """Return the plan for a claimed episode: its requested partitions, limited to the window."""
    cutoff = str(episode.cutoff)
    first = episode.first_partition or episode.change_partition
    newest = [p for p in labelled if first <= p <= cutoff][-window:]
    first = newest[0] if newest else first
    return TrainingPlan(
        "drift", first, cutoff, effective_time(str(episode.requested_partition)), episode.id, start_from
    )


def _available_labels(labelled: list[str], cutoff: str | None, as_of: str | None, label_delay: timedelta) -> list[str]:
    """List the labelled partitions up to the cut-off, or those available at ``as_of``."""
    if cutoff is not None:
        return [p for p in labelled if p <= cutoff]
    if as_of is None:
        return labelled
    last = from_iso(as_of) - label_delay
    return [p for p in labelled if from_iso(p) <= last]


def effective_time(partition: str) -> str:
    """Return the time just after a partition's cut-off: the old champion still served the partition itself."""
    return to_iso(from_iso(partition) + timedelta(seconds=1))


def _claimed_episodes(database: Database, model: str, actor: str) -> list[Episode]:
    """Return the retraining episode that this run has already claimed, for a retry."""
    current = episodes.current(database, model)
    is_own_claim = current is not None and current.claimed_by == actor and current.action == episodes.RETRAIN
    return [current] if current is not None and is_own_claim else []
