"""What can be waited for in the lifecycle store, and the answer to it in what one look at the store has seen.

Pure: the one query that looks is :func:`airflow_mlops.store.watch.look`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

RETRAIN = "retrain"
REQUESTED = "requested"


class Asked(NamedTuple):
    """The last episode of a model.

    :param number: the episode's number.
    :param attempts: how often it has asked for something.
    :param state: ``open``, ``requested``, ``retraining`` or ``closed``.
    :param action: what it asks for: ``retrain`` or ``roll_back``.
    """

    model: str
    number: int
    attempts: int
    state: str
    action: str
    change_partition: str
    cutoff: str | None


class Head(NamedTuple):
    """The champion of a model: the newest entry of its ledger.

    :param recorded_at: when it became champion, on the store's clock.
    """

    model: str
    epoch: int
    version: int
    action: str
    recorded_at: datetime


class Rows(NamedTuple):
    """The current snapshot of a partition."""

    dataset: str
    partition: str
    sequence: int
    snapshot_id: str
    uri: str
    rows: int


@dataclass(slots=True)
class Seen:
    """What one look has found of everything that was asked for.

    :param asked: the last episodes, by model.
    :param heads: the champions, by model.
    :param rows: the current snapshots, by dataset and partition.
    """

    asked: dict[str, Asked] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)
    rows: dict[tuple[str, str], Rows] = field(default_factory=dict)


class Question(Protocol):
    """Something to wait for. Hashable: who asks the same shares the answer."""

    def answer(self, seen: Seen) -> list[dict[str, Any]]:
        """Give what has come, each with an ``id`` of its own; nothing while there is nothing."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Requests:
    """Is a retraining asked for?

    :param models: of these models; ``None`` for all.
    :param after: ``(episode, attempts)`` of the last request that was known: a later one counts even if a training run
        has claimed it before anybody has looked.
    """

    models: tuple[str, ...] | None
    after: tuple[int, int] | None = None

    def answer(self, seen: Seen) -> list[dict[str, Any]]:
        """Give the requests."""
        return [_request(asked) for asked in _of(seen.asked, self.models) if self._counts(asked)]

    def _counts(self, asked: Asked) -> bool:
        if asked.action != RETRAIN or not asked.attempts:
            return False
        return asked.state == REQUESTED or (self.after is not None and asked[1:3] > self.after)


@dataclass(frozen=True, slots=True)
class Champions:
    """Who are the champions?

    :param models: of these models; ``None`` for all.
    """

    models: tuple[str, ...] | None

    def answer(self, seen: Seen) -> list[dict[str, Any]]:
        """Give the champions."""
        return [champion(head) for head in _of(seen.heads, self.models)]


@dataclass(frozen=True, slots=True)
class NewChampion:
    """Is there a new champion? Of the conditions that are given all have to hold.

    :param model: the model's name.
    :param after_epoch: of a later epoch of the ledger than this; 0: any champion.
    :param other_than: of another version than this.
    :param since: recorded after this moment.
    """

    model: str
    after_epoch: int | None = None
    other_than: int | None = None
    since: datetime | None = None

    def answer(self, seen: Seen) -> list[dict[str, Any]]:
        """Give the champion if it is a new one."""
        head = seen.heads.get(self.model)
        if head is None:
            return []
        holds = (
            (self.after_epoch is None or head.epoch > self.after_epoch)
            and (self.other_than is None or head.version != self.other_than)
            and (self.since is None or head.recorded_at > self.since)
        )
        return [champion(head)] if holds else []


@dataclass(frozen=True, slots=True)
class Labelled:
    """Has a partition enough labelled rows?

    :param dataset: the dataset of labels.
    :param partition: the partition.
    :param min_rows: how many rows are enough.
    """

    dataset: str
    partition: str
    min_rows: int = 1

    def answer(self, seen: Seen) -> list[dict[str, Any]]:
        """Give the reference of the labels if they are enough."""
        found = seen.rows.get((self.dataset, self.partition))
        if found is None or found.rows < self.min_rows:
            return []
        from airflow_mlops.core.refs import SnapshotRef

        return [SnapshotRef(found.dataset, found.snapshot_id, found.uri, found.rows, found.partition).to_dict()]


def champion(head: Head) -> dict[str, Any]:
    """Give what an event tells of a champion."""
    return {
        "id": f"{head.model}/{head.epoch}",
        "model": head.model,
        "version": head.version,
        "epoch": head.epoch,
        "action": head.action,
        "recorded_at": head.recorded_at.isoformat(),
    }


def _request(asked: Asked) -> dict[str, Any]:
    return {
        "id": f"{asked.model}/{asked.number}/{asked.attempts}",
        "model": asked.model,
        "episode": asked.number,
        "change_partition": asked.change_partition,
        "cutoff": asked.cutoff,
    }


def _of(found: dict[str, Any], models: Iterable[str] | None) -> list[Any]:
    names = sorted(found) if models is None else models
    return [found[name] for name in names if name in found]
