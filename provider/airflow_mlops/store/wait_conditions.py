"""Conditions that sensors and triggers wait for in the lifecycle store.

Pure: :func:`airflow_mlops.store.polling.look` runs the one query that reads the state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

RETRAIN = "retrain"
REQUESTED = "requested"


class LatestEpisode(NamedTuple):
    """The last episode of a model.

    :param number: the episode's number.
    :param attempts: the number of its requests so far.
    :param state: ``open``, ``requested``, ``retraining`` or ``closed``.
    :param action: the requested action: ``retrain`` or ``roll_back``.
    """

    model: str
    number: int
    attempts: int
    state: str
    action: str
    change_partition: str
    cutoff: str | None


class LedgerHead(NamedTuple):
    """The champion of a model: the newest entry of its ledger.

    :param recorded_at: when it became champion, on the store's clock.
    """

    model: str
    revision: int
    version: int
    action: str
    recorded_at: datetime


class CurrentSnapshot(NamedTuple):
    """The current snapshot of a partition."""

    dataset: str
    partition: str
    sequence: int
    snapshot_id: str
    uri: str
    rows: int


@dataclass(slots=True)
class StoreState:
    """The part of the store's state that a set of conditions needs.

    :param episodes: the last episodes, by model.
    :param champions: the champions, by model.
    :param snapshots: the current snapshots, by dataset and partition.
    """

    episodes: dict[str, LatestEpisode] = field(default_factory=dict)
    champions: dict[str, LedgerHead] = field(default_factory=dict)
    snapshots: dict[tuple[str, str], CurrentSnapshot] = field(default_factory=dict)


class WaitCondition(Protocol):
    """A condition to wait for. Hashable, so that equal conditions share one result."""

    def matches(self, state: StoreState) -> list[dict[str, Any]]:
        """Return the events that meet the condition, each with a unique ``id``; empty while it is not met."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RetrainingRequests:
    """A retraining is requested.

    :param models: of these models; ``None`` for all.
    :param after: ``(episode, attempts)`` of the last request already handled. A later request counts even if a
        training run has claimed it before the next query.
    """

    models: tuple[str, ...] | None
    after: tuple[int, int] | None = None

    def matches(self, state: StoreState) -> list[dict[str, Any]]:
        """Return the requests."""
        return [_request_event(episode) for episode in _select(state.episodes, self.models) if self._matches(episode)]

    def _matches(self, episode: LatestEpisode) -> bool:
        if episode.action != RETRAIN or not episode.attempts:
            return False
        return episode.state == REQUESTED or (self.after is not None and episode[1:3] > self.after)


@dataclass(frozen=True, slots=True)
class Champions:
    """Models have a champion.

    :param models: of these models; ``None`` for all.
    """

    models: tuple[str, ...] | None

    def matches(self, state: StoreState) -> list[dict[str, Any]]:
        """Return the champions."""
        return [champion_event(head) for head in _select(state.champions, self.models)]


@dataclass(frozen=True, slots=True)
class NewChampion:
    """A model has a new champion. All criteria that are set have to hold.

    :param model: the model's name.
    :param after_revision: of a later revision of the ledger than this; 0 for any champion.
    :param other_than: of another version than this.
    :param since: recorded after this time.
    """

    model: str
    after_revision: int | None = None
    other_than: int | None = None
    since: datetime | None = None

    def matches(self, state: StoreState) -> list[dict[str, Any]]:
        """Return the champion if it is a new one."""
        head = state.champions.get(self.model)
        if head is None:
            return []
        is_new = (
            (self.after_revision is None or head.revision > self.after_revision)
            and (self.other_than is None or head.version != self.other_than)
            and (self.since is None or head.recorded_at > self.since)
        )
        return [champion_event(head)] if is_new else []


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """A partition has enough labelled rows.

    :param dataset: the dataset of labels.
    :param partition: the partition.
    :param min_rows: the smallest number of rows that is enough.
    """

    dataset: str
    partition: str
    min_rows: int = 1

    def matches(self, state: StoreState) -> list[dict[str, Any]]:
        """Return the reference of the labels if they are enough."""
        labels = state.snapshots.get((self.dataset, self.partition))
        if labels is None or labels.rows < self.min_rows:
            return []
        from airflow_mlops.common.refs import SnapshotRef

        return [SnapshotRef(labels.dataset, labels.snapshot_id, labels.uri, labels.rows, labels.partition).to_dict()]


def champion_event(head: LedgerHead) -> dict[str, Any]:
    """Return the event payload for a champion."""
    return {
        "id": f"{head.model}/{head.revision}",
        "model": head.model,
        "version": head.version,
        "revision": head.revision,
        "action": head.action,
        "recorded_at": head.recorded_at.isoformat(),
    }


def _request_event(episode: LatestEpisode) -> dict[str, Any]:
    return {
        "id": f"{episode.model}/{episode.number}/{episode.attempts}",
        "model": episode.model,
        "episode": episode.number,
        "change_partition": episode.change_partition,
        "cutoff": episode.cutoff,
    }


def _select(by_model: dict[str, Any], models: Iterable[str] | None) -> list[Any]:
    names = sorted(by_model) if models is None else models
    return [by_model[name] for name in names if name in by_model]
