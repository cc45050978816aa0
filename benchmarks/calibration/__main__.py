"""``python -m benchmarks.calibration drift`` (concept, gate): run the studies, fail when a bound does not hold."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.threads import use_one_thread

if TYPE_CHECKING:
    from benchmarks.calibration.concept_studies import LabelledSize
    from benchmarks.calibration.studies import Size

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
EVIDENTLY_STREAMS = 40
STREAMS = {"drift": 500, "concept": 200}  # of each study; for concept 500 take three quarters of an hour
SAY_EVERY = 10.0  # seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for.

    :return: the exit code: 1 when a bound does not hold.
    """
    options = _options(arguments)
    use_one_thread()
    if options.what == "gate":
        from benchmarks.calibration.gate import calibrate

        how = {"small": options.small, "seed": options.seed, "processes": options.processes}
        return calibrate(BUILD, pairs=options.streams, go_on=options.continued, **how)
    from benchmarks.calibration.results import Log, fingerprint, summary, table, tallied
    from benchmarks.calibration.work import judged

    streams = STREAMS[options.what] if options.streams is None else options.streams
    size: Size | LabelledSize
    if options.what == "concept":
        size = chosen_labelled_size(streams, small=options.small)
    else:
        size = chosen_size(streams, small=options.small, beside=not options.without_evidently)
    name = f"{options.what}-small" if options.small else options.what  # a small run must not overwrite hours of work
    written = BUILD / f"calibration-{name}.json"
    folders = (ROOT / "provider" / "airflow_mlops" / "core" / "data", ROOT / "benchmarks" / "calibration")
    made_by = {"code": fingerprint(folders), "seed": options.seed, "size": repr(size)}
    log = Log(BUILD / "calibration" / f"{name}.jsonl", made_by)
    if not options.continued:
        log.begin()
    done = log.read()
    todo = [
        (family, options.seed, stream, size)
        for family, streams in size.streams.items()
        for stream in range(streams)
        if (family, stream) not in done
    ]
    progress = _Progress(size.streams, done)
    for family, stream, outcomes in judged(todo, options.processes):
        log.add(family, stream, outcomes)
        done[family, stream] = outcomes
        progress.tell(family)
    order = list(size.streams)
    judgements = chain.from_iterable(done[key] for key in sorted(done, key=lambda key: (order.index(key[0]), key[1])))
    rows = summary(tallied(judgements), small=options.small)
    written.write_text(json.dumps(rows, indent=1) + "\n")
    print(table(rows))
    failing = [row for row in rows if row["holds"] is False]
    print(f"{len(rows)} studies, {len(failing)} out of bounds; written to {written}")
    return 1 if failing else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("what", choices=[*STREAMS, "gate"])
    parser.add_argument("--streams", type=int, help=f"streams of each study (default {STREAMS}; gate: pairs, 2000)")
    parser.add_argument("--small", action="store_true", help="a few studies with few streams, in two minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--continue", dest="continued", action="store_true", help="keep the streams that are done")
    parser.add_argument("--without-evidently", action="store_true")
    return parser.parse_args(arguments)


def chosen_size(streams: int, *, small: bool, beside: bool) -> Size:
    """Return the size of the run: everything, or the part that a CI run can afford."""
    from benchmarks.calibration.studies import Size

    if small:
        return Size(
            {"aa": 60, "shift": 60, "tiny": 60, "clustered": 60},
            rows=(100, 1_000, 10_000),
            reference_rows=(100, 20_000),
            widths=(10, 50),
            tiny_rows=200_000,
        )
    counts = dict.fromkeys(("shift", "clustered", "tiny", "aa"), streams)
    return Size({**counts, "evidently": min(streams, EVIDENTLY_STREAMS)} if beside else counts)


def chosen_labelled_size(streams: int, *, small: bool) -> LabelledSize:
    """Return the size of the run of the studies of concept drift: everything, or the part that a CI run can afford."""
    from benchmarks.calibration.concept_studies import APART, LabelledSize

    if small:
        return LabelledSize({"apart logistic": 60}, rows=(500,), reference_rows=4_000, fitted_rows=4_000)
    return LabelledSize(dict.fromkeys(APART, streams))


class _Progress:
    """Says now and then how far it is, and how long the rest will take.

    :param streams: family -> streams in all.
    :param done: what was there before.
    """

    def __init__(self, streams: Mapping[str, int], done: Any) -> None:
        self.left = {family: count - sum(key[0] == family for key in done) for family, count in streams.items()}
        self.of, self.began, self.said = dict(self.left), time.monotonic(), 0.0
        self.first: dict[str, float] = {}

    def tell(self, family: str) -> None:
        """Count a stream of a family; how long the families to come will take nobody knows."""
        now = time.monotonic()
        self.left[family] -= 1
        self.first.setdefault(family, now)
        finished = self.of[family] - self.left[family]
        if now - self.said < SAY_EVERY and self.left[family]:
            return
        self.said = now
        rest = (now - self.first[family]) / max(1, finished - 1) * self.left[family]
        total = now - self.began
        line = f"{family}: {finished} of {self.of[family]} streams, {rest:.0f} s to go, {total:.0f} s so far"
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
