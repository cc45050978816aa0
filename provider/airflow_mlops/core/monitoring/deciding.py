"""What becomes of an episode: one pure decision from what is known, with no store and no clock but the data's.

Asked again with the same knowledge, whatever order it came in, it gives the same answer. Carried out step by step
(:mod:`airflow_mlops.core.monitoring.episodes`), each step a compare-and-set, it is the whole state machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.monitoring.calendar import Calendar, moment_of
from airflow_mlops.core.monitoring.episode_policy import WITH_LABELS, EpisodePolicy
from airflow_mlops.core.monitoring.signs import Seen, Signs

MONTH = timedelta(days=31)
Move = Literal["none", "supersede", "give_back", "open", "recover", "request"]
Doing = Literal["retrain", "roll_back"]


@dataclass(frozen=True, slots=True)
class Past:
    """An episode of the model, as far as deciding needs it.

    :param number: 1 for the first of the model.
    :param version: the champion that it was opened for.
    :param state: ``open``, ``requested``, ``retraining`` or ``closed``.
    :param change: the first partition of the change.
    :param action: what it asks for.
    :param asked: the partitions at which it asked, oldest first.
    :param closed_at: the partition that showed that it was over, when it closed by itself.
    """

    number: int
    version: int
    state: str
    change: str
    action: Doing = "retrain"
    asked: tuple[str, ...] = ()
    closed_at: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a model at a partition.

    :param partition: the partition that was judged last: the data's clock.
    :param labelled_until: the last partition whose labels may be known by now.
    :param champion: the version that is champion now.
    :param windows: what was seen of that version, in any order.
    :param episodes: the model's episodes, in any order.
    :param labelled: labelled partitions with their numbers of rows.
    :param partitions: the partitions on which any version was watched.
    :param has_previous: whether there is a champion to go back to.
    """

    partition: str
    labelled_until: str
    champion: int | None
    windows: Sequence[Seen] = ()
    episodes: Sequence[Past] = ()
    labelled: Sequence[tuple[str, int]] = ()
    partitions: Sequence[str] = ()
    has_previous: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done now.

    :param move: the step; ``none`` when there is nothing to do but tell.
    :param said: what is told, in a sentence.
    :param state: how things stand after it: ``none``, or the episode's state.
    :param episode: the number of the episode that it is about.
    :param alarm: whether a person has to look.
    :param change: where the change began, for ``open``.
    :param report: the report that showed it, for ``open``.
    :param action: what the episode asks for.
    :param first: where the training data begin, for ``request``.
    :param cutoff: where they end, for ``request`` of a retraining.
    """

    move: Move
    said: str
    state: str = "none"
    episode: int | None = None
    alarm: bool = False
    change: str | None = None
    report: str | None = None
    action: Doing = "retrain"
    first: str | None = None
    cutoff: str | None = None


def decide(policy: EpisodePolicy, known: Known) -> Step:
    """Decide the next step.

    :raises BadInput: when the policy counts time and the partitions are no dates.
    """
    if known.champion is None:
        return Step("none", "there is no champion to watch yet")
    calendar = Calendar(policy.span, frozenset(known.partitions) | {w.partition for w in known.windows})
    signs = Signs(policy, calendar, known.windows, known.partition, known.labelled_until)
    current = next((e for e in known.episodes if e.state != "closed"), None)
    if current is None:
        return _opening(policy, known, calendar, signs)
    if current.version != known.champion and current.state != "retraining":
        return Step("supersede", f"v{current.version} is champion no more", episode=current.number)
    if _is_lost(policy, known, calendar, current):
        return Step("give_back", "the run is lost", "open", current.number)
    if current.state != "open":
        return _of(current, f"episode {current.number} is {current.state}")
    return _going_on(policy, known, signs, current)


def _is_lost(policy: EpisodePolicy, known: Known, calendar: Calendar, episode: Past) -> bool:
    """Say whether the run that claimed an episode has had its time."""
    if episode.state != "retraining" or not episode.asked:
        return False
    return calendar.between(episode.asked[-1], known.partition) >= policy.lease


def _opening(policy: EpisodePolicy, known: Known, calendar: Calendar, signs: Signs) -> Step:
    """Decide whether an episode opens."""
    found = signs.alarming()
    if not found:
        return Step("none", signs.summary())
    asked = [p for e in known.episodes for p in e.asked]
    if asked:
        passed = calendar.between(max(asked), known.partition)
        if passed <= policy.cool_down:
            return Step("none", f"cooling down: {policy.cool_down - passed + 1} more windows")
    if any(e.closed_at is not None and e.closed_at >= known.partition for e in known.episodes):
        return Step("none", "an episode closed later than this")
    # Labels of a partition reach into the time after it, so they date a change too early: rows date it where they can.
    dated = [alarm for alarm in found if alarm.signal not in WITH_LABELS] or found
    first = min(dated, key=lambda alarm: (alarm.change, alarm.signal))
    rolls_back = any(policy.rule(a.signal).fail == "roll_back" for a in found) and known.has_previous
    soon = signs.served_before(first.change) < policy.roll_back_within
    action: Doing = "roll_back" if rolls_back and soon else "retrain"
    said = f"{', '.join(sorted(a.signal for a in found))} since {first.change}"
    return Step("open", said, "open", change=first.change, report=first.report, action=action)


def _going_on(policy: EpisodePolicy, known: Known, signs: Signs, episode: Past) -> Step:
    """Decide what becomes of an open episode."""
    if signs.recovered(episode.change):
        return Step("recover", f"quiet again for {policy.quiet} windows", "closed", episode.number)
    if len(episode.asked) >= policy.max_attempts:
        return _of(episode, f"{len(episode.asked)} retrainings failed: a person has to look", alarm=True)
    if broken := signs.broken_now():
        return _of(episode, f"waits until {', '.join(sorted(broken)[:5])} is mended upstream", alarm=True)
    if over := _over_budget(policy, known):
        return _of(episode, over, alarm=True)
    if episode.action == "roll_back":
        said = f"rollback asked: trouble since {episode.change}"
        return Step("request", said, "requested", episode.number, action="roll_back")
    return _retraining(policy, known, signs, episode)


def _retraining(policy: EpisodePolicy, known: Known, signs: Signs, episode: Past) -> Step:
    """Ask for the retraining when the labels allow it."""
    usable = _usable(known, signs.broken, episode.change)
    rows = sum(count for _, count in usable)
    if rows < policy.min_labelled_rows:
        return _of(episode, f"{rows} of {policy.min_labelled_rows} labelled rows since {episode.change}")
    cutoff = usable[-1][0]
    if policy.retraining.data == "window":
        usable = _usable(known, signs.broken, "", cutoff)
    if policy.retraining.window is not None:
        usable = usable[-policy.retraining.window :]
    first = usable[0][0]
    said = f"retraining asked: {sum(count for _, count in usable)} labelled rows from {first} to {cutoff}"
    return Step("request", said, "requested", episode.number, first=first, cutoff=cutoff)


def _usable(known: Known, broken: frozenset[str], first: str, last: str | None = None) -> list[tuple[str, int]]:
    """Give the newest labelled partitions without one among them that is broken upstream.

    :param first: the first that is of use.
    :param last: the last one.
    """
    run: list[tuple[str, int]] = []
    for partition, rows in sorted(known.labelled):
        if not first <= partition <= (last or known.labelled_until):
            continue
        if partition not in broken:
            run.append((partition, rows))
        elif any(p > partition and p not in broken for p, _ in known.labelled if p <= (last or known.labelled_until)):
            run = []
    return run


def _over_budget(policy: EpisodePolicy, known: Known) -> str | None:
    """Say when the month's retrainings are used up.

    :raises BadInput: when there is a budget and partitions are no dates.
    """
    if policy.monthly_budget is None:
        return None
    now, asked = moment_of(known.partition), [moment_of(p) for e in known.episodes for p in e.asked]
    if now is None or None in asked:
        raise BadInput(
            f"partition {known.partition!r} is no date, so nobody can say what a month is",
            mend="key partitions by ISO dates or moments, or leave monthly_budget out of the policy",
        )
    within = sum(1 for moment in asked if moment is not None and abs(now - moment) < MONTH)
    if within < policy.monthly_budget:
        return None
    return f"the budget of {policy.monthly_budget} within {MONTH.days} days is used up: a person has to look"


def _of(episode: Past, said: str, *, alarm: bool = False) -> Step:
    return Step("none", said, episode.state, episode.number, alarm, action=episode.action)
