"""The breaking machine: plays a case, retries as Airflow does, and checks the invariants of the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.environment import CrashEnvironment, start_step
from tests.crash.invariants import Expected, Records, changed_by_superseded, violations
from tests.crash.schedule import POINTS, RACE, Case
from tests.crash.steps import CHAIN, STEPS, TRAINING
from tests.crash.worker import Attempt, Outcome, Patch
from tests.crash.write_points import Fault

END = "end"  # a task that does not come to its end after all, or a trouble that would not be tried again
PERMANENT_FAILURE = "AirflowFailException"


@dataclass
class CaseResult:
    """Result of a case.

    :param attempts: how many there were.
    :param kills: how many of them were killed.
    :param zombies: how many went on beside, or after, their retry.
    :param winners: of a race: how many have won.
    :param wrong: which promise is broken, and in words.
    :param cpu: seconds of CPU.
    """

    attempts: int = 0
    kills: int = 0
    zombies: int = 0
    winners: int | None = None
    wrong: list[tuple[str, str]] = field(default_factory=list)
    cpu: float = 0.0


class CrashMachine:
    """Plays cases in a world.

    :param world: that has been built.
    :param patches: what is done in each attempt first.
    """

    def __init__(self, world: CrashEnvironment, patches: tuple[Patch, ...] = ()) -> None:
        self.world, self.patches = world, patches
        self.catalogues: dict[str, list[tuple[Any, ...]]] = {}

    def writes(self) -> dict[str, int]:
        """Count the durable writes of each step when nothing happens to it, and make sure that all were seen."""
        found = {}
        for name in POINTS:
            given = self.world.restore(name)
            there = _files(self.world.work)
            outcome = Attempt(self.world.work, name, given).wait()
            if outcome.ended != "done":
                raise SystemExit(f"{name} without any fault has {outcome.ended}: {outcome.error}")
            seen = {line.split(" ", 2)[2] for line in outcome.writes}
            if unseen := [f for f in _files(self.world.work) - there if not any(s in f for s in seen)]:
                raise SystemExit(f"{name} writes files that are not counted: {unseen[:5]}")
            found[name] = len(outcome.writes)
        return found

    def run_case(self, case: Case) -> CaseResult:
        """Play one case from its beginning."""
        played = CaseResult()
        if case.plan[0][0] == RACE:
            self._race(case.plan[0][1][0], played)
            return played
        first = case.plan[0][0]
        given = self.world.restore(first)
        manifests = Records(self.world.work).manifests
        asleep: list[Attempt] = []
        for name, faults in case.plan:
            outcome = self._until_it_succeeds(name, faults, given, played, asleep)
            if outcome.ended != "done":
                played.wrong.append((END, f"{name}: the last attempt has {outcome.ended}: {outcome.error[:600]}"))
            given = {**given, STEPS[name].gives: outcome.given}
        published = Records(self.world.work).published()
        for attempt in asleep:
            self._ended(attempt.resume(), played)
        if asleep:
            played.wrong += changed_by_superseded(published, Records(self.world.work).published())
        done = [*steps_before(first), *((name, STEPS[name].key("r2")) for name, _ in case.plan)]
        played.wrong += violations(self.world.work, Expected(done, manifests))
        return played

    def _until_it_succeeds(
        self,
        name: str,
        faults: tuple[Fault, ...],
        given: Mapping[str, Any],
        played: CaseResult,
        asleep: list[Attempt],
    ) -> Outcome:
        for number, fault in enumerate((*faults, None), 1):
            attempt = Attempt(self.world.work, name, given, number=number, fault=fault, patches=self.patches)
            outcome = attempt.wait()
            if outcome.ended == "stopped":
                played.attempts += 1
                played.zombies += 1
                asleep.append(attempt)
                continue
            self._ended(outcome, played)
            if outcome.ended == "done":
                return outcome
            if outcome.ended == "failed" and fault is not None and PERMANENT_FAILURE in outcome.error:
                played.wrong.append((END, f"{name}: would not be tried again: {outcome.error[:600]}"))
            while asleep and outcome.ended == "killed":  # it goes on between the attempt that was killed and the next
                self._ended(asleep.pop().resume(), played)
        return outcome

    def _ended(self, outcome: Outcome, played: CaseResult) -> None:
        played.attempts += 1
        played.cpu += outcome.cpu
        played.kills += outcome.ended == "killed"
        if outcome.ended == "hung":
            played.wrong.append((END, f"an attempt came to no end: {outcome.error}"))

    def _race(self, stop: Fault, played: CaseResult) -> None:
        """Let two promoters, judged against the same champion, meet; one has to win and the other to be told."""
        given = self.world.restore("promote")
        manifests = Records(self.world.work).manifests
        rival = self.world.load_inputs("challenger")
        work = self.world.work
        first = Attempt(work, "promote", rival, run="r3", fault=stop, patches=self.patches)
        outcome = first.wait()
        other = Attempt(work, "promote", given, patches=self.patches).wait()
        self._ended(other, played)
        if outcome.ended == "stopped":
            outcome = first.resume()
            played.zombies += 1
        self._ended(outcome, played)
        ended = {"r3": outcome, "r2": other}
        won = [run for run, how in ended.items() if how.ended == "done"]
        played.winners = len(won)
        if len(won) != 1:
            played.wrong.append(("I4", f"{len(won)} of two promoters won: {[o.error[:300] for o in ended.values()]}"))
        done = [*steps_before("promote"), *(("promote", STEPS["promote"].key(run)) for run in won)]
        played.wrong += violations(work, Expected(done, manifests))


def steps_before(step: str) -> list[tuple[str, str]]:
    """Return the tasks that have succeeded before a case that begins with a step."""
    earlier = CHAIN[: CHAIN.index(start_step(step))]
    done = {"r1": (*TRAINING, "promote"), "r3": TRAINING, "r2": earlier}
    return [(name, STEPS[name].key(run)) for run, names in done.items() for name in names]


def _files(work: Path) -> set[str]:
    return {str(p.relative_to(work)) for p in work.rglob("*") if p.is_file() and ".db" not in p.suffix}
