"""Drift episodes: from drift that is seen to one retraining.

Drift opens an episode; enough labelled rows since the change ask for the retraining, once; its outcome closes the
episode. The state lives in the store and each step is a compare-and-set, so a window that is judged again, late or
twice, and a scheduler or triggerer that restarts, change nothing. What the next step is, :func:`.deciding.decide` says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from airflow_mlops.core.errors import Conflict
from airflow_mlops.core.monitoring.calendar import Calendar
from airflow_mlops.core.monitoring.deciding import Known, Past, Step, decide
from airflow_mlops.core.monitoring.episode_policy import SIGNALS, EpisodePolicy
from airflow_mlops.core.monitoring.signs import Seen, Signs
from airflow_mlops.core.report import Check, Report, Status
from airflow_mlops.store import catalogue, episodes, ledger, windows
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Episode

__all__ = ["EpisodePolicy", "Outcome", "advance", "finish", "known_at"]

Outcome = Literal["promoted", "held", "rejected", "failed", "rolled_back"]
MOST_STEPS = 8
_MOST_TOLD = 10


def advance(
    database: Database,
    policy: EpisodePolicy,
    *,
    model: str,
    partition: str,
    labels: str,
    labelled_until: str,
) -> Report:
    """Move a model's episode on by what is known at a partition.

    :param partition: the partition that was judged last: the data's clock.
    :param labels: the dataset of labels in the catalogue.
    :param labelled_until: the last partition whose labels may be known at ``partition``.
    :returns: a report of kind ``episode`` that says what was done and why; it warns when a person has to look.
    """
    for _ in range(MOST_STEPS):
        known = known_at(database, model=model, partition=partition, labels=labels, labelled_until=labelled_until)
        step = decide(policy, known)
        if step.move == "none":
            return _told(policy, model, known, step)
        done = _carried_out(database, model, known, step)
        if step.move in ("request", "open") and not done:  # somebody else did it this very moment, and moves it on
            return _told(policy, model, known, step, by="another run")
        if step.move in ("request", "recover"):
            return _told(policy, model, known, step)
    raise Conflict(
        f"the episode of {model!r} changes faster than it can be moved on",
        mend="look for what else writes to the store",
    )


def known_at(database: Database, *, model: str, partition: str, labels: str, labelled_until: str) -> Known:
    """Read all that :func:`.deciding.decide` needs to know. Parameters are those of :func:`advance`."""
    champion = ledger.head(database, model)
    if champion is None:
        return Known(partition, labelled_until, None)
    return Known(
        partition,
        labelled_until,
        champion.version,
        windows=[
            Seen(w.kind, w.partition, w.verdict, tuple(sorted(w.broken or ())), w.report)
            for w in windows.of_version(database, model, champion.version, SIGNALS)
        ],
        episodes=[_past(e) for e in episodes.all_of(database, model)],
        labelled=[(str(ref.partition), ref.rows) for ref in catalogue.partitions(database, labels)],
        partitions=windows.partitions(database, model),
        has_previous=champion.previous_epoch is not None,
    )


def finish(database: Database, episode: int, *, actor: str, outcome: Outcome) -> bool:
    """Close the episode that a training run has claimed; a run that failed gives it back."""
    if outcome == "failed":
        return episodes.give_back(database, episode, actor=actor, outcome=outcome)
    return episodes.close(database, episode, actor=actor, outcome=outcome)


def _past(episode: Episode) -> Past:
    return Past(
        episode.number,
        episode.version,
        episode.state,
        episode.change_partition,
        "roll_back" if episode.action == episodes.ROLL_BACK else "retrain",
        tuple(episodes.asked(episode)),
        episode.closed_partition,
    )


def _carried_out(database: Database, model: str, known: Known, step: Step) -> bool:
    """Do a step, if things are still as they were when it was decided. Gives whether this call did it."""
    if step.move == "open":
        assert known.champion is not None
        assert step.change is not None
        opened = episodes.open_one(
            database,
            model=model,
            version=known.champion,
            change_partition=step.change,
            report=step.report,
            action=step.action,
        )
        return opened is not None
    current = episodes.current(database, model)
    if current is None or current.number != step.episode:
        return False
    moves: dict[str, Callable[[], bool]] = {
        "supersede": lambda: episodes.supersede(database, current.id),
        "recover": lambda: episodes.recover(database, current.id, partition=known.partition),
        "give_back": lambda: _given_back(database, current),
        "request": lambda: episodes.request(
            database, current.id, partition=known.partition, cutoff=step.cutoff, first=step.first
        ),
    }
    return moves[step.move]()


def _given_back(database: Database, episode: Episode) -> bool:
    actor = str(episode.claimed_by)
    return episodes.give_back(database, episode.id, actor=actor, outcome=f"lost: {actor}"[:200])


def _told(policy: EpisodePolicy, model: str, known: Known, step: Step, *, by: str | None = None) -> Report:
    """Tell what was done, what only people are told of, and which windows are missing."""
    said = step.said if by is None else f"{step.said} (done by {by})"
    status: Status = "fail" if step.alarm else "pass"
    checks = [Check("episode", status, "warn" if step.alarm else "info", step.state, None, None, said)]
    episode = next((e for e in known.episodes if e.number == step.episode), None)
    facts: dict[str, Any] = {
        "state": step.state,
        "episode": step.episode,
        "change_partition": step.change or (episode.change if episode else None),
        "action": step.action if step.episode is not None or step.move == "open" else None,
    }
    if known.champion is not None:
        calendar = Calendar(policy.span, frozenset(known.partitions) | {w.partition for w in known.windows})
        signs = Signs(policy, calendar, known.windows, known.partition, known.labelled_until)
        checks += _for_people(signs)
        facts |= {"broken": list(signs.broken_now()), "missing": signs.missing()[-_MOST_TOLD:]}
    return Report.of("episode", f"{model} {known.partition}", checks, facts=facts)


def _for_people(signs: Signs) -> list[Check]:
    """Tell of broken columns, of signals that only notify, and of partitions that nobody has looked at."""
    told = [
        Check(
            "upstream", "fail", "warn", None, None, column, "broken upstream: mend it there, retraining would learn it"
        )
        for column in signs.broken_now()[:_MOST_TOLD]
    ]
    told += [
        Check("signal", "fail", "warn", None, None, alarm.signal, f"{alarm.signal} since {alarm.change}")
        for alarm in signs.notable()
    ]
    if missing := signs.missing():
        said = f"no window of {', '.join(missing[-_MOST_TOLD:])}: neither counted as failing nor as quiet"
        told.append(Check("windows", "not_judged", "info", len(missing), 0, None, said))
    return told
