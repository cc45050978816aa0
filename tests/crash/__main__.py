"""``python -m tests.crash``: break off every step everywhere, and hold the invariants against what is left.

``--small`` does a seeded part; ``--replay 'train:12,-3'`` repeats one case; ``--guards`` takes guards away, and fails
unless that is seen.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.crash.environment import CrashEnvironment
from tests.crash.guards import CASES, GUARDS
from tests.crash.machine import CrashMachine
from tests.crash.other_faults import OTHER_FAULTS
from tests.crash.report import Tally
from tests.crash.schedule import PARTS, SMALL, Case, Size


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return 1 when a promise was broken."""
    options = _options(arguments)
    began, tally = time.monotonic(), Tally()
    if options.jobs > 1:
        _shared(options, list(sys.argv[1:] if arguments is None else arguments), tally)
    else:
        with tempfile.TemporaryDirectory(prefix="mlops-crash-") as folder:
            world = CrashEnvironment(Path(folder).resolve())
            world.environment()
            world.build()
            _all(world, options, tally)
    if options.tally:
        Path(options.tally).write_text(json.dumps(asdict(tally)))
        return 0
    tally.notes.append(f"{time.monotonic() - began:.0f} seconds, {options.jobs} processes, seed {options.seed}")
    if options.output:
        tally.write(Path(options.output))
    print(json.dumps(tally.to_dict(), indent=1))
    for how in tally.failing:
        print(f"broken by {how}")
    return 1 if tally.failing else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parts = [*PARTS, *OTHER_FAULTS]
    parser.add_argument("--small", action="store_true", help="a seeded part of it")
    parser.add_argument("--replay", nargs="*", default=[], metavar="CASE", help="such as 'train:12,-3+register'")
    parser.add_argument("--without", nargs="*", default=[], choices=list(GUARDS), help="guards that are taken away")
    parser.add_argument("--guards", action="store_true", help="take each guard away, and see that it is missed")
    parser.add_argument("--only", nargs="*", default=parts, choices=parts)
    parser.add_argument("--steps", nargs="*", help="only cases that begin with these steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="over how many processes the cases are spread")
    parser.add_argument("--share", type=int, nargs=2, default=(0, 1), help=argparse.SUPPRESS)
    parser.add_argument("--tally", help=argparse.SUPPRESS)
    parser.add_argument("--output", help="where the figures go")
    parser.add_argument("--verbose", action="store_true", help="say each case")
    return parser.parse_args(arguments)


def _shared(options: argparse.Namespace, given: list[str], tally: Tally) -> None:
    """Spread the cases over processes, and count them together."""
    with tempfile.TemporaryDirectory(prefix="mlops-crash-shares-") as folder:
        running = []
        for number in range(options.jobs):
            share = ["--jobs", "1", "--share", str(number), str(options.jobs), "--tally", f"{folder}/{number}.json"]
            running.append(subprocess.Popen([sys.executable, "-m", "tests.crash", *given, *share]))
        try:
            if any(process.wait() for process in running):
                raise SystemExit("a process of the crash test broke off")
        finally:
            for process in running:
                process.kill()
        for number in range(options.jobs):
            tally.merge(json.loads(Path(folder, f"{number}.json").read_text()))


def _all(world: CrashEnvironment, options: argparse.Namespace, tally: Tally) -> None:
    if options.guards:
        _guards(world, tally)
        return
    machine = CrashMachine(world, tuple(GUARDS[name] for name in options.without))
    for case in _cases(machine, options):
        played = machine.run_case(case)
        tally.add(case, played)
        if options.verbose:
            print(f"{case}: {played.attempts} attempts, {played.kills} kills", flush=True)
    for number, name in enumerate(OTHER_FAULTS):
        if name in options.only and not options.replay and number % options.share[1] == options.share[0]:
            OTHER_FAULTS[name](machine, tally, options.small)


def _cases(machine: CrashMachine, options: argparse.Namespace) -> Iterator[Case]:
    if options.replay:
        yield from map(Case.read, options.replay)
        return
    writes, size = machine.writes(), SMALL if options.small else Size()
    print({"durable writes": writes, "seed": options.seed}, flush=True)
    found: list[Case] = []
    for name in options.only:
        if name in PARTS:
            found += PARTS[name](writes, size, random.Random(f"{options.seed} {name}"))
    for case in found[options.share[0] :: options.share[1]]:
        if options.steps is None or case.plan[0][0] in options.steps:
            yield case


def _guards(world: CrashEnvironment, tally: Tally) -> None:
    """Play cases whole, and with a guard taken away: only the second may break a promise."""
    for name, patch in GUARDS.items():
        cases = [Case.read(text) for text in CASES[name]]
        kept = [f"{case}: {wrong}" for case in cases if (wrong := CrashMachine(world).run_case(case).wrong)]
        missed = sorted(
            {promise for case in cases for promise, _ in CrashMachine(world, (patch,)).run_case(case).wrong}
        )
        tally.guards[name] = {"with": kept, "without": missed}
        if kept or not missed:
            tally.failing.append(f"the guard {name}: broken with it: {kept}; without it: {missed}")


if __name__ == "__main__":
    sys.exit(main())
