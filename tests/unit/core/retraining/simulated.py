"""A model's life in memory: windows come, the pure decision is carried out, training runs end. No store, no Airflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from airflow_mlops.core.retraining.alarms import WindowRow
from airflow_mlops.core.retraining.policy import EpisodePolicy
from airflow_mlops.core.retraining.state_machine import (
    EpisodeRecord,
    EpisodeTransition,
    MonitoringState,
    next_transition,
)

ROWS = 600
DELAY = 2


def week(number: int) -> str:
    """The partition of a week; week 0 is 2026-01-05."""
    return (date(2026, 1, 5) + timedelta(weeks=number)).isoformat()


def steps(policy: EpisodePolicy, known: MonitoringState) -> list[EpisodeTransition]:
    """Decide until there is nothing more to do, as the store would carry it out; gives what was done."""
    done: list[EpisodeTransition] = []
    while True:
        step = next_transition(policy, known)
        done.append(step)
        if step.kind in ("none", "request", "recover"):
            return done
        known = replace(known, episodes=carried_out(known, step))


def carried_out(known: MonitoringState, step: EpisodeTransition) -> list[EpisodeRecord]:
    """Return the episodes after a transition."""
    past = sorted(known.episodes, key=lambda e: e.number)
    if step.kind == "open":
        assert known.champion is not None
        assert step.change is not None
        return [*past, EpisodeRecord(len(past) + 1, known.champion, "open", step.change, step.action)]
    found = {
        "supersede": lambda e: replace(e, state="closed"),
        "recover": lambda e: replace(e, state="closed", closed_partition=known.partition),
        "release": lambda e: replace(e, state="open"),
        "request": lambda e: replace(e, state="requested", requested_at=(*e.requested_at, known.partition)),
    }
    return [found[step.kind](e) if e.number == step.episode else e for e in past] if step.kind in found else past


@dataclass
class Life:
    """A model in a world whose level moves. A version knows the level of the rows that it was trained on.

    :param level: the world's level in a week; a window fails when it is one or more from what the champion knows.
    :param broken: whether a column is broken upstream in a week.
    :param outcome: how a retraining ends.
    """

    policy: EpisodePolicy
    level: Callable[[int], float]
    broken: Callable[[int], bool] = lambda _: False
    outcome: str = "promoted"
    delay: int = DELAY
    champion: int = 1
    knows: list[float] = field(default_factory=lambda: [0.0])
    windows: list[tuple[int, WindowRow]] = field(default_factory=list)
    episodes: list[EpisodeRecord] = field(default_factory=list)
    retrainings: list[int] = field(default_factory=list)
    alarms: list[int] = field(default_factory=list)
    done: list[EpisodeTransition] = field(default_factory=list)

    def live(self, weeks: int = 40, storms: int = 1) -> Life:
        """Live through some weeks; each window and each event comes ``storms`` times."""
        for number in range(weeks):
            bad = self.broken(number)
            verdict = "fail" if bad or abs(self.level(number) - self.knows[-1]) >= 1 else "pass"
            self.windows.append((self.champion, WindowRow("drift", week(number), verdict, ("price",) if bad else ())))
            for _ in range(storms):
                self.moved_on(number)
            for _ in range(storms):  # every event wakes a run up; only one can claim the request
                self.trained(number)
        return self

    def known(self, number: int) -> MonitoringState:
        """What is known in a week."""
        last = number - self.delay
        return MonitoringState(
            week(number),
            week(last),
            self.champion,
            windows=[seen for version, seen in self.windows if version == self.champion],
            episodes=list(self.episodes),
            labelled=[(week(n), ROWS) for n in range(max(0, last + 1))],
            partitions=sorted({seen.partition for _, seen in self.windows}),
        )

    def moved_on(self, number: int) -> None:
        """The episode's task of a week."""
        for step in steps(self.policy, known := self.known(number)):
            known = replace(known, episodes=carried_out(known, step))
            self.done.append(step)
            if (step.needs_attention or self.broken(number)) and number not in self.alarms:
                self.alarms.append(number)
        self.episodes = list(known.episodes)

    def trained(self, number: int) -> None:
        """A training run, which does nothing when nothing is asked for."""
        waiting = [e for e in self.episodes if e.state == "requested"]
        for episode in waiting:
            self.retrainings.append(number)
            self.episodes = [replace(e, state="closed") if e is episode else e for e in self.episodes]
            if self.outcome == "promoted":
                asked = next(s for s in reversed(self.done) if s.kind == "request")
                of = [self.level(n) for n in range(number + 1) if str(asked.first) <= week(n) <= str(asked.cutoff)]
                self.knows.append(sum(of) / len(of))
                self.champion += 1
