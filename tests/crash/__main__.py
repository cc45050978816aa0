"""``python -m tests.crash``: break off every step everywhere, and hold the promises against what is left.

``--small`` does a seeded part; ``--replay 'train:12,-3'`` repeats one case; ``--without fence`` takes a guard away.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.crash.guards import GUARDS
from tests.crash.machine import Machine
from tests.crash.report import Tally
from tests.crash.schedule import PARTS, SMALL, Case, Size
from tests.crash.world import World

REPO = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; gives 1 when a promise was broken."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="mlops-crash-") as folder:
        world = World(Path(folder).resolve())
        world.environment()
        world.build()
        machine = Machine(world, tuple(GUARDS[name] for name in options.without))
        tally = Tally()
        for case in _cases(machine, options):
            played = machine.play(case)
            tally.add(case, played)
            for name, said in played.wrong:
                print(f"{name} broken by {case}: {said}", flush=True)
            if options.verbose:
                print(
                    f"{time.process_time():.0f}s {case}: {played.attempts} attempts, {played.kills} kills", flush=True
                )
    if options.output:
        tally.write(Path(options.output))
    print({k: v for k, v in tally.to_dict().items()})
    for how in tally.failing:
        print(how)
    return 1 if tally.failing else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a seeded part of it")
    parser.add_argument("--replay", nargs="*", default=[], metavar="CASE", help="such as 'train:12,-3+register'")
    parser.add_argument("--without", nargs="*", default=[], choices=list(GUARDS), help="guards that are taken away")
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--steps", nargs="*", help="only cases that begin with these steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", help="where the figures go")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args(arguments)


def _cases(machine: Machine, options: argparse.Namespace) -> list[Case]:
    if options.replay:
        return [Case.read(text) for text in options.replay]
    writes, size = machine.writes(), SMALL if options.small else Size()
    print({"durable writes": writes, "seed": options.seed}, flush=True)
    found = []
    for name in options.only:
        found += PARTS[name](writes, size, random.Random(f"{options.seed} {name}"))
    return [case for case in found if options.steps is None or case.plan[0][0] in options.steps]


if __name__ == "__main__":
    sys.exit(main())
