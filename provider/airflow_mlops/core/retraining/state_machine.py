"""State machine of drift episodes: a pure function from a model's monitoring state to the next transition.

The result depends only on the arguments; their order does not matter. It never reads the wall clock or the store.
:mod:`airflow_mlops.core.retraining.episodes` applies each transition as a compare-and-set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.retraining.alarms import WindowAlarms, WindowRow
from airflow_mlops.core.retraining.calendar import PartitionCalendar, parse_partition_timestamp
from airflow_mlops.core.retraining.policy import LABELLED_SIGNALS, EpisodePolicy

MONTH = timedelta(days=31)
TransitionKind = Literal["none", "supersede", "release", "open", "recover", "request"]
EpisodeAction = Literal["retrain", "roll_back"]


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """An episode of the model, reduced to the fields that the state machine needs.

    :param number: 1 for the model's first episode.
    :param version: the champion for which it was opened.
    :param state: ``open``, ``requested``, ``retraining`` or ``closed``.
    :param change: the first partition of the change.
    :param action: the requested action.
    :param requested_at: the partitions at which it requested the action, oldest first.
    :param closed_partition: the partition at which the signals recovered, when it closed by itself.
    """

    number: int
    version: int
    state: str
    change: str
    action: EpisodeAction = "retrain"
    requested_at: tuple[str, ...] = ()
    closed_partition: str | None = None


@dataclass(frozen=True, slots=True)
class MonitoringState:
    """The monitoring state of a model at a partition.

    :param partition: the last evaluated partition: the data's clock.
    :param labelled_until: the last partition whose labels may be available by now.
    :param champion: the current champion version.
    :param windows: the windows of that version, in any order.
    :param episodes: the model's episodes, in any order.
    :param labelled: labelled partitions with their numbers of rows.
    :param partitions: the partitions on which any version was monitored.
    :param has_previous: whether there is a previous champion to roll back to.
    """

    partition: str
    labelled_until: str
    champion: int | None
    windows: Sequence[WindowRow] = ()
    episodes: Sequence[EpisodeRecord] = ()
    labelled: Sequence[tuple[str, int]] = ()
    partitions: Sequence[str] = ()
    has_previous: bool = False


@dataclass(frozen=True, slots=True)
class EpisodeTransition:
    """The next transition of an episode.

    :param kind: the transition; ``none`` when there is only something to report.
    :param message: the message, a sentence.
    :param state: the state afterwards: ``none``, or the episode's state.
    :param episode: the number of the episode.
    :param needs_attention: whether a person must act.
    :param change: where the change began, for ``open``.
    :param report: the report that showed it, for ``open``.
    :param action: the action that the episode requests.
    :param first: where the training data begin, for ``request``.
    :param cutoff: where they end, for ``request`` of a retraining.
    """

    kind: TransitionKind
    message: str
    state: str = "none"
    episode: int | None = None
    needs_attention: bool = False
    change: str | None = None
    report: str | None = None
    action: EpisodeAction = "retrain"
    first: str | None = None
    cutoff: str | None = None


def next_transition(policy: EpisodePolicy, state: MonitoringState) -> EpisodeTransition:
    """Decide the next transition.

    :raises BadInput: when the policy uses time spans and partition keys are not dates.
    """
    if state.champion is None:
        return EpisodeTransition("none", "there is no champion to watch yet")
    calendar = PartitionCalendar(policy.span, frozenset(state.partitions) | {w.partition for w in state.windows})
    alarms = WindowAlarms(policy, calendar, state.windows, state.partition, state.labelled_until)
    current = next((e for e in state.episodes if e.state != "closed"), None)
    if current is None:
        return _open_episode(policy, state, calendar, alarms)
    if current.version != state.champion and current.state != "retraining":
        return EpisodeTransition("supersede", f"v{current.version} is no longer champion", episode=current.number)
    if _is_lost(policy, state, calendar, current):
        return EpisodeTransition("release", "the run is lost", "open", current.number)
    if current.state != "open":
        return _stay(current, f"episode {current.number} is {current.state}")
    return _advance_open_episode(policy, state, alarms, current)


def _is_lost(
    policy: EpisodePolicy, state: MonitoringState, calendar: PartitionCalendar, episode: EpisodeRecord
) -> bool:
    """Check whether the run that claimed an episode has exceeded its lease."""
    if episode.state != "retraining" or not episode.requested_at:
        return False
    return calendar.between(episode.requested_at[-1], state.partition) >= policy.lease


def _open_episode(
    policy: EpisodePolicy, state: MonitoringState, calendar: PartitionCalendar, alarms: WindowAlarms
) -> EpisodeTransition:
    """Open an episode when a signal with an action alarms.

    Not while the model is in cool-down, nor when an episode closed at this partition or a later one.
    """
    alarming = alarms.alarming()
    if not alarming:
        return EpisodeTransition("none", alarms.summary())
    requested_at = [p for e in state.episodes for p in e.requested_at]
    if requested_at:
        elapsed = calendar.between(max(requested_at), state.partition)
        if elapsed <= policy.cool_down:
            remaining = policy.cool_down - elapsed + 1
            return EpisodeTransition("none", f"cooling down: {_count(remaining, 'more partition')}")
    if any(e.closed_partition is not None and e.closed_partition >= state.partition for e in state.episodes):
        return EpisodeTransition("none", f"not opened: an episode closed at or after partition {state.partition}")
    # Labels observe a period after their partition, so they date a change too early: use other signals if possible.
    dating_alarms = [alarm for alarm in alarming if alarm.signal not in LABELLED_SIGNALS] or alarming
    first = min(dating_alarms, key=lambda alarm: (alarm.change, alarm.signal))
    rolls_back = any(policy.rule(a.signal).fail == "roll_back" for a in alarming) and state.has_previous
    is_recent = alarms.partitions_before(first.change) < policy.roll_back_within
    action: EpisodeAction = "roll_back" if rolls_back and is_recent else "retrain"
    message = f"{', '.join(sorted(a.signal for a in alarming))} since {first.change}"
    return EpisodeTransition("open", message, "open", change=first.change, report=first.report, action=action)


def _advance_open_episode(
    policy: EpisodePolicy, state: MonitoringState, alarms: WindowAlarms, episode: EpisodeRecord
) -> EpisodeTransition:
    """Choose the next transition of an open episode."""
    if alarms.recovered(episode.change):
        return EpisodeTransition(
            "recover", f"quiet again for {policy.recovery_windows} windows", "closed", episode.number
        )
    if len(episode.requested_at) >= policy.max_attempts:
        message = f"{_count(len(episode.requested_at), 'request')} without success: manual action required"
        return _stay(episode, message, needs_attention=True)
    if broken := alarms.broken_columns():
        return _stay(episode, f"waiting for {', '.join(sorted(broken)[:5])} to be fixed upstream", needs_attention=True)
    if reason := _over_budget(policy, state):
        return _stay(episode, reason, needs_attention=True)
    if episode.action == "roll_back":
        message = f"rollback requested: alarms since {episode.change}"
        return EpisodeTransition("request", message, "requested", episode.number, action="roll_back")
    return _request_retraining(policy, state, alarms, episode)


def _request_retraining(
    policy: EpisodePolicy, state: MonitoringState, alarms: WindowAlarms, episode: EpisodeRecord
) -> EpisodeTransition:
    """Request the retraining when there are enough labelled rows."""
    partitions = _usable_partitions(state, alarms.broken, episode.change)
    rows = sum(count for _, count in partitions)
    if rows < policy.min_labelled_rows:
        return _stay(episode, f"{rows} of {policy.min_labelled_rows} labelled rows since {episode.change}")
    cutoff = partitions[-1][0]
    if policy.retraining.data == "window":
        partitions = _usable_partitions(state, alarms.broken, "", cutoff)
    if policy.retraining.window is not None:
        partitions = partitions[-policy.retraining.window :]
    first = partitions[0][0]
    message = f"retraining requested: {sum(count for _, count in partitions)} labelled rows from {first} to {cutoff}"
    return EpisodeTransition("request", message, "requested", episode.number, first=first, cutoff=cutoff)


def _usable_partitions(
    state: MonitoringState, broken: frozenset[str], first: str, last: str | None = None
) -> list[tuple[str, int]]:
    """Return the newest consecutive labelled partitions that are not broken upstream.

    :param first: the first usable partition.
    :param last: the last usable partition.
    """
    run: list[tuple[str, int]] = []
    for partition, rows in sorted(state.labelled):
        if not first <= partition <= (last or state.labelled_until):
            continue
        if partition not in broken:
            run.append((partition, rows))
        elif any(p > partition and p not in broken for p, _ in state.labelled if p <= (last or state.labelled_until)):
            run = []
    return run


def _over_budget(policy: EpisodePolicy, state: MonitoringState) -> str | None:
    """Return a message when the monthly budget of retrainings is exhausted.

    :raises BadInput: when there is a budget and partition keys are not dates.
    """
    if policy.monthly_budget is None:
        return None
    now, requested_at = (
        parse_partition_timestamp(state.partition),
        [parse_partition_timestamp(p) for e in state.episodes for p in e.requested_at],
    )
    if now is None or None in requested_at:
        raise BadInput(
            f"monthly_budget requires ISO-date partition keys; got {state.partition!r}",
            hint="key partitions by ISO dates or timestamps, or leave monthly_budget out of the policy",
        )
    used = sum(1 for timestamp in requested_at if timestamp is not None and abs(now - timestamp) < MONTH)
    if used < policy.monthly_budget:
        return None
    return f"the budget of {policy.monthly_budget} within {MONTH.days} days is used up: manual action required"


def _stay(episode: EpisodeRecord, message: str, *, needs_attention: bool = False) -> EpisodeTransition:
    return EpisodeTransition("none", message, episode.state, episode.number, needs_attention, action=episode.action)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
