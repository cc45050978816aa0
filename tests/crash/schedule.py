"""What is broken off where: each case in words that repeat it, and all of them from one seed.

``train:12,-3+register`` is: the first attempt of train is killed right after its 12th durable write, the second right
before its 3rd, the third ends well; then register, undisturbed. ``12stop`` stops an attempt: it goes on beside, or
after, its retry. ``race:4stop`` stops one of two promoters.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.crash.steps import CHAIN, STEPS
from tests.crash.write_points import Act, Fault

RACE = "race"
POINTS = ("ingest", "train", "tune", "register", "evaluate", "gate", "backfill", "promote", "score", "rollback")


@dataclass(frozen=True)
class Case:
    """One case.

    :param kind: of which part of the machine: ``points``, ``random``, ``zombies``, ``races``, ``troubles``.
    :param plan: steps, each with what happens to its attempts, one after the other; one more ends well.
    """

    kind: str
    plan: tuple[tuple[str, tuple[Fault, ...]], ...]

    def __str__(self) -> str:
        return "+".join(name + (f":{','.join(map(str, faults))}" if faults else "") for name, faults in self.plan)

    @classmethod
    def read(cls, text: str, kind: str = "replay") -> Case:
        """Read what ``str`` wrote.

        :raises ValueError: when it is no case.
        """
        plan = []
        for part in text.split("+"):
            name, _, faults = part.partition(":")
            if name not in (*STEPS, RACE):
                raise ValueError(f"there is no step {name!r}: {', '.join((*STEPS, RACE))}")
            plan.append((name, tuple(Fault.read(fault) for fault in faults.split(",") if fault)))
        return cls(kind, tuple(plan))


@dataclass(frozen=True)
class Size:
    """How much is done.

    :param points: of all crash points every so manieth.
    :param kills: how many random kills.
    :param zombies: of all points every so manieth.
    :param troubles: of all points every so manieth, for each kind of trouble.
    :param races: of all points every so manieth.
    """

    points: int = 1
    kills: int = 225  # a retry may have fewer writes than the attempt before: not every kill is reached, but 200 are
    zombies: int = 1
    failures: int = 2
    races: int = 1


SMALL = Size(points=9, kills=12, zombies=11, failures=23, races=3)


def points(writes: Mapping[str, int], size: Size, rng: random.Random) -> Iterator[Case]:
    """Yield a kill after and before each durable write of each step."""
    for name, fault in _each(writes, size.points, rng, ("after", "before"), "kill"):
        yield Case("points", ((name, (fault,)),))


def random_kills(writes: Mapping[str, int], size: Size, rng: random.Random) -> Iterator[Case]:
    """Yield chains of steps with kills anywhere, several of one task among them."""
    left = size.kills
    while left > 0:
        first = rng.randrange(len(CHAIN))
        names = list(CHAIN[first : first + rng.randint(1, 3)])
        if names[0] == "train" and rng.random() < 0.5:
            names[0] = "tune"
        plan = []
        for name in names:
            kills = min(left, rng.choice((0, 1, 1, 2)) if len(names) > 1 else rng.choice((1, 2)))
            left -= kills
            plan.append((name, tuple(_anywhere(writes[name], rng) for _ in range(kills))))
        yield Case("random", tuple(plan))


def zombies(writes: Mapping[str, int], size: Size, rng: random.Random) -> Iterator[Case]:
    """Yield attempts that are stopped and go on: after their retry, after the next step, or after a retry's kill."""
    for number, (name, stop) in enumerate(_each(writes, size.zombies, rng, ("after",), "stop")):
        plan: tuple[tuple[str, tuple[Fault, ...]], ...] = ((name, (stop,)),)
        if number % 3 == 1:
            plan = ((name, (stop, _anywhere(writes[name], rng))),)
        elif number % 3 == 2 and name in CHAIN[:-1]:
            plan = (*plan, (CHAIN[CHAIN.index(name) + 1], ()))
        yield Case("zombies", plan)
    for _, stop in _each({"promote": writes["promote"]}, min(size.zombies, 3), rng, ("after",), "stop"):
        yield Case("zombies", (("promote", (stop,)), ("rollback", ())))  # the champion has moved on meanwhile


def races(writes: Mapping[str, int], size: Size, rng: random.Random) -> Iterator[Case]:
    """Yield two promoters, the first of which is stopped at each of its writes while the second runs to its end."""
    for _, stop in _each({RACE: writes["promote"]}, size.races, rng, ("after",), "stop"):
        yield Case("races", ((RACE, (stop,)),))


def failures(writes: Mapping[str, int], size: Size, rng: random.Random) -> Iterator[Case]:
    """Yield a disk that is full, and a store that is gone, from some write on."""
    for act, moments in (("full", ("before",)), ("down", ("after",))):
        for name, fault in _each(writes, size.failures, rng, moments, act):  # type: ignore[arg-type]
            yield Case("troubles", ((name, (fault,)),))


PARTS = {"points": points, "random": random_kills, "zombies": zombies, "races": races, "troubles": failures}


def _each(
    writes: Mapping[str, int], every: int, rng: random.Random, moments: tuple[Any, ...], act: Act
) -> Iterator[tuple[str, Fault]]:
    found = [
        (name, Fault(number, moment, act))
        for name, count in writes.items()
        for number in range(1, count + 1)
        for moment in moments
    ]
    yield from found[rng.randrange(every) :: every]


def _anywhere(count: int, rng: random.Random) -> Fault:
    return Fault(rng.randint(1, count), rng.choice(("after", "before")))
