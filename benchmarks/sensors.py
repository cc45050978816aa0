"""``python -m benchmarks sensors``: what a thousand deferred sensors cost a triggerer while nothing happens.

One child is the event loop of a triggerer with a thousand triggers of our three sensors, in equal parts, against an
embedded PostgreSQL. It counts the processor time and the queries of a quiet minute; then labels come for one sensor
after the other, and it takes the time from the commit to the event that the trigger yields.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measure import measured
from benchmarks.paths import BUILD, PEERS, RESULTS, ROOT
from benchmarks.results import Row, Target, find, write
from benchmarks.tasks import OURS

FULL = {"sensors": 1000, "idle_s": 60, "events": 40, "poll_s": 5.0}
SMALL = {"sensors": 60, "idle_s": 3, "events": 5, "poll_s": 0.5}
MOST_CPU, MOST_EVENT_S = 0.10, 10.0
IDLE, EVENT = "idle", "event, p95"


def run(*, small: bool, hold: bool) -> int:
    """Measure, write the figures and print them; gives the exit code."""
    asked = SMALL if small else FULL
    command = [sys.executable, "-P", str(PEERS / "sensors.py"), json.dumps(asked)]
    usage = measured(command, ROOT)
    figures = rows(asked, usage.said, usage.peak_mb)
    path = (BUILD if small else RESULTS) / "sensors.json"
    write(path, figures)
    said = usage.said
    print(
        f"\nsensors, {asked['sensors']:,} deferred, asked each {asked['poll_s']} s; written to {path.relative_to(ROOT)}"
    )
    print(
        f"  idle: {said['idle_cpu_s'] / said['idle_s']:.2%} of a core, {said['queries_a_minute']:.1f} queries a minute,"
    )
    print(f"  {said['threads']} threads, {usage.peak_mb:.0f} MB; starting them took {said['start_cpu_s']:.2f} CPU s")
    print(f"  event: median {said['median_s']:.2f} s, p95 {said['p95_s']:.2f} s from commit to the yielded event")
    held = targets(figures)
    for target in held:
        print(f"  {'kept ' if target.holds else 'BROKEN'} {target.says}: {target.value:.3f}")
    return 1 if hold and not all(target.holds for target in held) else 0


def rows(asked: Mapping[str, Any], said: Mapping[str, Any], peak_mb: float) -> list[dict[str, Any]]:
    """Give the figures.

    :param asked: what the child was told.
    :param said: what it found.
    :param peak_mb: the most memory it had.
    """
    shared = {"tool": OURS, "rows": asked["sensors"], "columns": 0, "peak_mb": round(peak_mb, 1), "version": ""}
    queries = f"{said['queries_a_minute']:.1f} queries a minute, {said['threads']} threads"
    events = f"median {said['median_s']:.2f} s of {asked['events']}, asked each {asked['poll_s']} s"
    return [
        {
            **shared,
            "task": IDLE,
            "cpu_s": round(said["idle_cpu_s"], 4),
            "wall_s": round(said["idle_s"], 2),
            "verdict": queries,
            "runs": 1,
        },
        {**shared, "task": EVENT, "cpu_s": 0.0, "wall_s": round(said["p95_s"], 3), "verdict": events, "runs": 1},
    ]


def targets(figures: Sequence[Row]) -> list[Target]:
    """Hold figures against what was promised."""
    found = []
    if idle := find(figures, OURS, IDLE):
        part = idle["cpu_s"] / idle["wall_s"]
        found.append(Target(f"{idle['rows']:,} idle sensors take at most 10 % of a core", part, part <= MOST_CPU))
    if event := find(figures, OURS, EVENT):
        found.append(Target("an event within 10 s at p95", event["wall_s"], event["wall_s"] <= MOST_EVENT_S))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sensors", description=__doc__)
    parser.add_argument("--small", action="store_true", help="seconds, to see that it works")
    parser.add_argument("--hold", action="store_true", help="fail when a promise is not kept")
    options = parser.parse_args()
    sys.exit(run(small=options.small, hold=options.hold))
