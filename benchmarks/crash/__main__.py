"""``python -m benchmarks.crash tuning|scoring --kills 20``: kill it at random points and see that nothing is lost."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.crash import scoring
from benchmarks.crash.attempts import Study, attempt_once
from benchmarks.crash.tuning import METHODS, run_kills


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for.

    :return: the exit code: 1 when something was lost, doubled or changed.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crash", description=__doc__)
    parser.add_argument("what", choices=["tuning", "scoring"])
    parser.add_argument("--kills", type=int, default=20, help="how often a search, or scoring, is killed (default 20)")
    parser.add_argument("--trials", type=int, default=60, help="trials of each search (default 60)")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS)
    parser.add_argument("--seed", type=int, default=0, help="of the points of killing")
    options = parser.parse_args(arguments)
    if options.what == "scoring":
        with tempfile.TemporaryDirectory(prefix="mlops-crash-") as folder:
            scored = scoring.run_kills(scoring.Weeks(Path(folder)), options.kills, options.seed)
        print(scored.summary())
        return 1 if scored.wrong else 0
    fine = True
    for method in options.methods:
        with tempfile.TemporaryDirectory(prefix="mlops-crash-") as folder:
            study = Study(Path(folder), method, options.trials)
            found = run_kills(study, options.kills, options.seed, attempt_once)
        print(found.summary())
        fine = fine and not found.wrong
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
