"""A thousand waiting triggers in one event loop: what they cost while nothing happens, and how fast they notice."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

MAX_SECONDS = 120.0


async def run_sensors(asked: dict[str, Any], database: Any) -> dict[str, Any]:
    """Start the triggers, be idle, then let labels come."""
    from sqlalchemy import Engine, event

    statements: list[str] = []
    event.listen(Engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    began = time.process_time()
    tasks = [asyncio.create_task(first_event(trigger)) for trigger in triggers(asked)]
    await asyncio.sleep(max(2.0, 2 * asked["poll_s"]))
    started = time.process_time() - began
    statements.clear()
    wall, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(asked["idle_s"])
    idle_cpu, idle = time.process_time() - cpu, time.monotonic() - wall
    queries = [s for s in statements if s.lstrip().upper().startswith("SELECT")]
    threads = threading.active_count()
    taken = [await measure_latency(tasks[3 * n + 2], f"p{n}", database, asked) for n in range(asked["events"])]
    waiting = [task for task in tasks if not task.done()]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(waiting) == asked["sensors"] - asked["events"], "a trigger fired for what it does not wait for"
    return {
        "start_cpu_s": started,
        "idle_s": idle,
        "idle_cpu_s": idle_cpu,
        "queries_a_minute": 60 * len(queries) / idle,
        "threads": threads,
        "median_s": statistics.median(taken),
        "p95_s": sorted(taken)[min(len(taken) - 1, round(0.95 * len(taken)))],
    }


def triggers(asked: dict[str, Any]) -> list[Any]:
    """Create the triggers of the three sensors, in turns."""
    from airflow_mlops.triggers.store_wait import LabelledRowsTrigger, NewChampionTrigger, RetrainingRequestTrigger

    poll = asked["poll_s"]
    made: list[Any] = []
    for n in range(asked["sensors"]):
        model = f"m{n // 3}"
        made.append(
            (
                RetrainingRequestTrigger(model, after=(0, 0), poll_seconds=poll),
                NewChampionTrigger(model, after_revision=0, poll_seconds=poll),
                LabelledRowsTrigger("labels", f"p{n // 3}", 10, poll_seconds=poll),
            )[n % 3]
        )
    return made


async def first_event(trigger: Any) -> float:
    """Wait for the trigger's event, and say when it came."""
    async for _ in trigger.run():
        return time.monotonic()
    raise AssertionError("the trigger has ended without an event")


async def measure_latency(task: asyncio.Task[float], partition: str, database: Any, asked: dict[str, Any]) -> float:
    """Let labels come at an odd moment, and give how long the trigger took to notice."""
    from airflow_mlops.common.refs import SnapshotRef
    from airflow_mlops.store import catalogue

    await asyncio.sleep(asked["poll_s"] * (hash(partition) % 97) / 97)
    await asyncio.to_thread(catalogue.record, database, SnapshotRef("labels", partition, "file:///x", 10, partition))
    committed = time.monotonic()
    return await asyncio.wait_for(task, MAX_SECONDS) - committed


def main() -> None:
    """Create a store, run the loop, print what was found."""
    asked = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["AIRFLOW_HOME"] = str(folder / "airflow")
        from airflow_mlops.hooks.store import connection_dict
        from airflow_mlops.store.database import Database
        from include.demo.postgres import EmbeddedPostgres

        with EmbeddedPostgres(folder / "postgres") as postgres:
            url = postgres.database("mlops")
            database = Database(url)
            database.upgrade()
            os.environ["AIRFLOW_CONN_MLOPS_STORE_DEFAULT"] = json.dumps(connection_dict(url, folder.as_uri()))
            print(json.dumps(asyncio.run(run_sensors(asked, database))))


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[2] / "provider")]
    main()
