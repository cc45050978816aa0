"""``python -m benchmarks sensors``: what a thousand deferred sensors cost a triggerer while nothing happens.

One child is the event loop of a triggerer with a thousand triggers of our three sensors, in equal parts, against an
embedded PostgreSQL. It counts the processor time and the queries of a quiet minute; then labels come for one sensor
after the other, and it takes the time from the commit to the event that the trigger yields.

With ``--airflow`` the same in a running Airflow: the sensors of fifty DAGs wait in its triggerer, whose processor time
is taken beside that of the empty one, and the time from the commit to the moment when the sensor's task runs again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measure import measure_command
from benchmarks.paths import BUILD, PEERS, RESULTS, ROOT
from benchmarks.results import Row, Target, find, write
from benchmarks.tasks import OURS

FULL = {"sensors": 1000, "idle_s": 60, "events": 40, "poll_s": 5.0}
SMALL = {"sensors": 60, "idle_s": 3, "events": 5, "poll_s": 0.5}
MOST_CPU, MOST_EVENT_S = 0.10, 10.0
IDLE, EVENT = "idle", "event, p95"
IN_AIRFLOW = {IDLE: "idle in Airflow", EVENT: "event to running task, p95", "burst": "all at once"}


def run(*, small: bool, hold: bool, airflow: bool = False) -> int:
    """Measure, write the metrics and print them; return the exit code."""
    if airflow:
        return run_in_airflow(small=small, hold=hold)
    asked = SMALL if small else FULL
    command = [sys.executable, "-P", str(PEERS / "sensors.py"), json.dumps(asked)]
    usage = measure_command(command, ROOT)
    figures = result_rows(asked, usage.said, usage.peak_mb)
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
    return _held(figures, hold)


def run_in_airflow(*, small: bool, hold: bool) -> int:
    """Measure in a running Airflow, write the metrics and print them; return the exit code."""
    from benchmarks.waiting import session
    from include.demo.signals import interrupted_by_signals

    with interrupted_by_signals():  # so that a stop ends Airflow, too
        said = session.measure(BUILD / "waiting", session.SMALL if small else session.FULL)
    figures = rows_in_airflow(said)
    path = (BUILD if small else RESULTS) / "sensors.json"
    write(path, figures)
    print(f"\nsensors in Airflow, {said['sensors']:,} deferred; written to {path.relative_to(ROOT)}")
    for row in figures:
        print(f"  {row['task']}: {row['cpu_s']:.2f} CPU s, {row['wall_s']:.2f} s; {row['verdict']}")
    return _held(figures, hold)


def _held(figures: Sequence[Row], hold: bool) -> int:
    """Print whether what was promised is kept; return the exit code."""
    held = targets(figures)
    for target in held:
        print(f"  {'kept ' if target.holds else 'BROKEN'} {target.says}: {target.value:.3f}")
    return 1 if hold and not all(target.holds for target in held) else 0


def rows_in_airflow(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics of a running Airflow; the empty triggerer's processor time is taken off.

    :param said: what :func:`benchmarks.waiting.session.measure` has found.
    """
    shared = {"tool": OURS, "rows": said["sensors"], "columns": 0, "version": "", "runs": 1}
    shared["peak_mb"] = round(said["triggerer_mb"], 1)
    own = said["idle_cpu_s"] - said["empty_cpu_s"]
    idle = f"{said['idle_cpu_s']:.2f} CPU s, {said['empty_cpu_s']:.2f} of them as when empty; "
    idle += f"{said['polls_a_minute']:.1f} transactions a minute; begun in {said['start_s']:.0f} s"
    events = f"median {said['median_s']:.2f} s of {len(said['taken_s'])}; load of the machine {said['load']:.1f}"
    found = [
        {"task": IN_AIRFLOW[IDLE], "cpu_s": round(own, 3), "wall_s": round(said["idle_s"], 2), "verdict": idle},
        {"task": IN_AIRFLOW[EVENT], "cpu_s": 0.0, "wall_s": round(said["p95_s"], 3), "verdict": events},
    ]
    if "burst" in said:
        told = f"{said['burst']} told in {said['burst_told_s']:.0f} s; {said['burst_ran']} tasks ran within wall_s"
        cpu, wall = round(said["burst_cpu_s"], 2), round(said["burst_ran_s"], 1)
        found.append({"task": IN_AIRFLOW["burst"], "cpu_s": cpu, "wall_s": wall, "verdict": told})
    return [{**shared, **row} for row in found]


def result_rows(asked: Mapping[str, Any], said: Mapping[str, Any], peak_mb: float) -> list[dict[str, Any]]:
    """Return the metrics.

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
    """Compare metrics with what was promised."""
    found = []
    for task in (IDLE, IN_AIRFLOW[IDLE]):
        if idle := find(figures, OURS, task):
            part = idle["cpu_s"] / idle["wall_s"]
            says = f"{idle['rows']:,} sensors, {task}, take at most 10 % of a core"
            found.append(Target(says, part, part <= MOST_CPU))
    for task in (EVENT, IN_AIRFLOW[EVENT]):
        if event := find(figures, OURS, task):
            found.append(Target(f"{task}, within 10 s", event["wall_s"], event["wall_s"] <= MOST_EVENT_S))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sensors", description=__doc__)
    parser.add_argument("--small", action="store_true", help="seconds, to see that it works")
    parser.add_argument("--hold", action="store_true", help="fail when a promise is not kept")
    parser.add_argument("--airflow", action="store_true", help="in a running Airflow")
    options = parser.parse_args()
    sys.exit(run(small=options.small, hold=options.hold, airflow=options.airflow))
