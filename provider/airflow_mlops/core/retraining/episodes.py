"""Drift episodes: the transitions from detected drift to one retraining.

Drift opens an episode. Enough labelled rows since the change request one retraining, and its outcome closes the
episode. The state lives in the store and each transition is a compare-and-set. Repeated, late or duplicate evaluations
and restarts of the scheduler or triggerer therefore change nothing. :func:`.state_machine.next_transition` chooses the
next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from airflow_mlops.common.errors import Conflict
from airflow_mlops.common.report import Check, Report, Status
from airflow_mlops.core.retraining.alarms import WindowAlarms, WindowRow
from airflow_mlops.core.retraining.calendar import PartitionCalendar
from airflow_mlops.core.retraining.policy import SIGNALS, EpisodePolicy
from airflow_mlops.core.retraining.state_machine import (
    EpisodeRecord,
    EpisodeTransition,
    MonitoringState,
    next_transition,
)
from airflow_mlops.store import catalogue, episodes, ledger, windows
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Episode

__all__ = ["EpisodeOutcome", "EpisodePolicy", "advance", "finish", "load_state"]

EpisodeOutcome = Literal["promoted", "on_hold", "rejected", "failed", "rolled_back"]
_MAX_TRANSITIONS = 8
_MAX_LISTED = 10


def advance(
    database: Database,
    policy: EpisodePolicy,
    *,
    model: str,
    partition: str,
    labels: str,
    labelled_until: str,
) -> Report:
    """Advance a model's episode with the information available at a partition.

    :param partition: the last evaluated partition: the data's clock.
    :param labels: the dataset of labels in the catalogue.
    :param labelled_until: the last partition whose labels may be available at ``partition``.
    :return: a report of kind ``episode`` with the action taken and its reason; it warns when a person must act.
    """
    for _ in range(_MAX_TRANSITIONS):
        state = load_state(database, model=model, partition=partition, labels=labels, labelled_until=labelled_until)
        transition = next_transition(policy, state)
        if transition.kind == "none":
            return _report(policy, model, state, transition)
        applied = _apply(database, model, state, transition)
        if transition.kind in ("request", "open") and not applied:  # another run did it at the same time, and continues
            return _report(policy, model, state, transition, by="another run")
        if transition.kind in ("request", "recover"):
            return _report(policy, model, state, transition)
    raise Conflict(
        f"the episode of {model!r} changes faster than it can be advanced",
        hint="find the other writer of the store",
    )


def load_state(database: Database, *, model: str, partition: str, labels: str, labelled_until: str) -> MonitoringState:
    """Load the input of :func:`.state_machine.next_transition`. Parameters are those of :func:`advance`."""
    champion = ledger.head(database, model)
    if champion is None:
        return MonitoringState(partition, labelled_until, None)
    return MonitoringState(
        partition,
        labelled_until,
        champion.version,
        windows=[
            WindowRow(w.kind, w.partition, w.verdict, tuple(sorted(w.broken_columns or ())), w.report)
            for w in windows.of_version(database, model, champion.version, SIGNALS)
        ],
        episodes=[_episode_record(e) for e in episodes.of_model(database, model)],
        labelled=[(str(ref.partition), ref.rows) for ref in catalogue.partitions(database, labels)],
        partitions=windows.partitions(database, model),
        has_previous=champion.previous_revision is not None,
    )


def finish(database: Database, episode: int, *, actor: str, outcome: EpisodeOutcome) -> bool:
    """Close the episode that a training run has claimed; a failed run releases it instead."""
    if outcome == "failed":
        return episodes.release(database, episode, actor=actor, outcome=outcome)
    return episodes.close(database, episode, actor=actor, outcome=outcome)


def _episode_record(episode: Episode) -> EpisodeRecord:
    return EpisodeRecord(
        episode.number,
        episode.version,
        episode.state,
        episode.change_partition,
        "roll_back" if episode.action == episodes.ROLL_BACK else "retrain",
        tuple(episodes.request_history(episode)),
        episode.closed_partition,
    )


def _apply(database: Database, model: str, state: MonitoringState, transition: EpisodeTransition) -> bool:
    """Apply a transition if the state is unchanged since it was planned; return whether this call did it."""
    if transition.kind == "open":
        assert state.champion is not None
        assert transition.change is not None
        opened = episodes.open_episode(
            database,
            model=model,
            version=state.champion,
            change_partition=transition.change,
            report=transition.report,
            action=transition.action,
        )
        return opened is not None
    current = episodes.current(database, model)
    if current is None or current.number != transition.episode:
        return False
    moves: dict[str, Callable[[], bool]] = {
        "supersede": lambda: episodes.supersede(database, current.id),
        "recover": lambda: episodes.mark_recovered(database, current.id, partition=state.partition),
        "release": lambda: _release(database, current),
        "request": lambda: episodes.request(
            database, current.id, partition=state.partition, cutoff=transition.cutoff, first_partition=transition.first
        ),
    }
    return moves[transition.kind]()


def _release(database: Database, episode: Episode) -> bool:
    actor = str(episode.claimed_by)
    return episodes.release(database, episode.id, actor=actor, outcome=f"lost: {actor}"[:200])


def _report(
    policy: EpisodePolicy, model: str, state: MonitoringState, transition: EpisodeTransition, *, by: str | None = None
) -> Report:
    """Report the transition, signals that only notify, and partitions without windows."""
    message = transition.message if by is None else f"{transition.message} (done by {by})"
    status: Status = "fail" if transition.needs_attention else "pass"
    checks = [
        Check(
            "episode", status, "warn" if transition.needs_attention else "info", transition.state, None, None, message
        )
    ]
    episode = next((e for e in state.episodes if e.number == transition.episode), None)
    facts: dict[str, Any] = {
        "state": transition.state,
        "episode": transition.episode,
        "change_partition": transition.change or (episode.change if episode else None),
        "action": transition.action if transition.episode is not None or transition.kind == "open" else None,
    }
    if state.champion is not None:
        calendar = PartitionCalendar(policy.span, frozenset(state.partitions) | {w.partition for w in state.windows})
        alarms = WindowAlarms(policy, calendar, state.windows, state.partition, state.labelled_until)
        checks += _notices(alarms)
        facts |= {"broken": list(alarms.broken_columns()), "missing": alarms.missing_partitions()[-_MAX_LISTED:]}
    return Report.from_checks("episode", f"{model} {state.partition}", checks, facts=facts)


def _notices(alarms: WindowAlarms) -> list[Check]:
    """List broken columns, signals that only notify, and partitions without windows."""
    checks = [
        Check(
            "upstream",
            "fail",
            "warn",
            None,
            None,
            column,
            "broken upstream: fix it there, or a retraining learns the fault",
        )
        for column in alarms.broken_columns()[:_MAX_LISTED]
    ]
    checks += [
        Check("signal", "fail", "warn", None, None, alarm.signal, f"{alarm.signal} since {alarm.change}")
        for alarm in alarms.notifications()
    ]
    if missing := alarms.missing_partitions():
        message = f"no window for {', '.join(missing[-_MAX_LISTED:])}: counted neither as failing nor as quiet"
        checks.append(Check("windows", "inconclusive", "info", len(missing), 0, None, message))
    return checks
