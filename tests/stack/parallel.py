"""``python -m tests.stack.parallel``: a data set in many partitions on one worker, on two, and in one scan.

Each worker, and the scan, has one core. What is timed is validating and profiling: from the first task's start to the
last one's end.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from include.demo.api import Json
from tests.stack.engine import missing
from tests.stack.machine import PROJECT, REPO, Stack, docker, wait_for

DAG = "payments"
STEPS = ("validate", "cells", "profile", "merge")
DEADLINE = 3_600
REFS = {"snapshots": "ingest", "cells": "cells", "merged": "merge"}


def run_partitions(stack: Stack, run_id: str, *, partitions: int, rows: int) -> dict[str, Any]:
    """Run the DAG, then look at all rows in one scan.

    :param run_id: what to call the run.
    :param partitions: how many there are.
    :param rows: how many rows each has.
    :return: ``workers`` (host -> its mapped tasks), ``seconds`` of the steps, ``task_seconds`` in all tasks together,
        and what ``one_scan`` says.
    :raises AssertionError: when the run fails.
    """
    client = stack.client()
    client.unpause(DAG)
    client.trigger(DAG, run_id, {"partitions": partitions, "rows": rows})
    run = wait_for(lambda: _ended(client.run(DAG, run_id)), DEADLINE, f"run {run_id}")
    tasks = client.task_instances(DAG, run_id)
    assert run["state"] == "success", [(t["task_id"], t["state"]) for t in tasks if t["state"] != "success"]
    steps = [task for task in tasks if task["task_id"] in STEPS]
    return {
        "run": run_id,
        "partitions": partitions,
        "workers": dict(Counter(task["hostname"] for task in steps)),
        "seconds": round(max(_moment(t["end_date"]) for t in steps) - min(_moment(t["start_date"]) for t in steps), 1),
        "task_seconds": round(sum(task["duration"] for task in steps), 1),
        "one_scan": _one_scan(stack, {name: _given(stack, tasks, task, run_id) for name, task in REFS.items()}),
    }


def _ended(run: Json) -> Json | None:
    return run if run["state"] in {"success", "failed"} else None


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _given(stack: Stack, tasks: list[Json], task_id: str, run_id: str) -> Any:
    """Return what a task returned, or all its mapped instances in order."""
    client = stack.client()
    indexes = sorted(task["map_index"] for task in tasks if task["task_id"] == task_id)
    path = f"/dags/{DAG}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
    found = [client.request("GET", path, params={"map_index": i, "stringify": "false"})["value"] for i in indexes]
    return found[0] if indexes == [-1] else found


def _one_scan(stack: Stack, asked: dict[str, Any]) -> dict[str, Any]:
    options = (
        *("--interactive", "--cpus", "1", "--volume", f"{PROJECT}_data:/data:ro"),
        *("--volume", f"{REPO / 'tests'}:/opt/mlops/tests:ro"),
    )
    said = stack.run("python", "-m", "tests.stack.one_scan", options=options, given=json.dumps(asked))
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return 1 when a merged profile is not that of one scan."""
    parser = argparse.ArgumentParser(prog="python -m tests.stack.parallel", description=__doc__)
    parser.add_argument("--partitions", type=int, default=40)
    parser.add_argument("--rows", type=int, default=500_000, help="in each partition")
    parser.add_argument("--output", type=Path, default=REPO / "build" / "spread.json")
    options = parser.parse_args(arguments)
    if reason := missing():
        parser.error(reason)
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), AIRFLOW_WORKER_CONCURRENCY="1")
        stack.down()
        try:
            stack.up()
            workers = stack.containers("worker")
            docker("update", "--cpus", "1", *workers)
            asked = {"partitions": options.partitions, "rows": options.rows}
            figures = {"two_workers": run_partitions(stack, "on_two_workers", **asked)}
            print(json.dumps(figures), flush=True)
            docker("stop", workers[0])
            figures["one_worker"] = run_partitions(stack, "on_one_worker", **asked)
        finally:
            stack.down()
    figures["speed_up"] = round(figures["one_worker"]["seconds"] / figures["two_workers"]["seconds"], 2)  # type: ignore[assignment]
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    return 0 if all(figures[name]["one_scan"]["same"] for name in ("two_workers", "one_worker")) else 1


if __name__ == "__main__":
    raise SystemExit(main())
