"""What many deferred sensors cost a real triggerer, and how soon their tasks run once something has happened."""

from __future__ import annotations

import json
import random
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from benchmarks.paths import ROOT

if TYPE_CHECKING:
    from airflow_mlops.store.database import Database
    from include.demo.airflow import AirflowStack

DEADLINE = 900.0
BURST_S = 300.0
SETTLE_SECONDS = 15.0
FULL = {"sensors": 1000, "idle_s": 60.0, "events": 20, "poll_s": 5.0, "burst": True}
SMALL = {"sensors": 40, "idle_s": 5.0, "events": 3, "poll_s": 1.0, "burst": False}


def measure(place: Path, asked: Mapping[str, Any], port: int = 18280) -> dict[str, Any]:
    """Start an Airflow, let its sensors wait, be idle, let things happen one after another, and then all at once.

    :param place: a folder for it; emptied first.
    :param asked: such as :data:`FULL`.
    :param port: preferred port of its web interface.
    """
    shutil.rmtree(place, ignore_errors=True)
    with _airflow(place, asked, port) as waiting:
        empty = waiting.idle(asked["idle_s"])
        began, before = time.monotonic(), waiting.triggerer_cpu()
        waiting.begin()
        begun = {"start_s": time.monotonic() - began, "start_cpu_s": waiting.triggerer_cpu() - before}
        idle = waiting.idle(asked["idle_s"])
        taken = [waiting.event(n) for n in waiting.chosen(asked["events"])]
        return {
            "sensors": waiting.sensors,
            **begun,
            "idle_s": idle.seconds,
            "empty_cpu_s": empty.cpu_s * idle.seconds / empty.seconds,
            "idle_cpu_s": idle.cpu_s,
            "polls_a_minute": 60 * idle.transactions / idle.seconds,
            "triggerer_mb": waiting.triggerer_mb(),
            "load": psutil.getloadavg()[0],
            "taken_s": taken,
            "median_s": statistics.median(taken),
            "p95_s": sorted(taken)[min(len(taken) - 1, round(0.95 * len(taken)))],
            **(waiting.burst() if asked["burst"] else {}),
        }


@contextmanager
def _airflow(place: Path, asked: Mapping[str, Any], port: int) -> Iterator[SensorSession]:
    from airflow_mlops.hooks.store import connection_dict
    from airflow_mlops.store.database import Database
    from benchmarks.waiting.dags import write
    from include.demo.airflow import AirflowStack
    from include.demo.postgres import EmbeddedPostgres

    with EmbeddedPostgres(place / "postgres", fresh=True) as postgres:
        url, airflow = postgres.database("mlops"), postgres.database("airflow")
        database = Database(url)
        database.upgrade()
        settings = {
            "AIRFLOW_CONN_MLOPS_STORE_DEFAULT": json.dumps(connection_dict(url, place.as_uri())),
            "AIRFLOW__TRIGGERER__CAPACITY": str(2 * asked["sensors"]),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",  # Airflow's own; the demo's is shorter
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "300",  # on a busy machine it defers for long
            "PYTHONPATH": str(ROOT),
            "MANY_SENSORS_POLL_S": str(asked["poll_s"]),
        }
        dags = write(place / "bundle", asked["sensors"])
        with AirflowStack(place / "airflow", place / "bundle", settings, airflow, port=port) as stack:
            yield SensorSession(stack, database, create_engine(airflow, poolclass=NullPool), asked["sensors"], dags)


@dataclass(frozen=True, slots=True)
class IdleUsage:
    """What the triggerer did while nothing happened.

    :param seconds: for how long.
    :param cpu_s: processor time of all its processes.
    :param transactions: those in the lifecycle store's database, whoever made them.
    """

    seconds: float
    cpu_s: float
    transactions: int


@dataclass(frozen=True, slots=True)
class SensorSession:
    """An Airflow whose sensors wait.

    :param stack: its processes.
    :param database: the lifecycle store.
    :param airflow: Airflow's own database.
    :param sensors: how many.
    :param dags: the DAGs that have them.
    """

    stack: AirflowStack
    database: Database
    airflow: Engine
    sensors: int
    dags: Sequence[str]

    def begin(self) -> None:
        """Run the DAGs until all of their sensors wait."""
        client = self.stack.client()
        client.wait_for_dags(self.dags, DEADLINE)
        for dag in self.dags:
            client.unpause(dag)
            client.trigger(dag, "run")
        self.until(lambda: self.states() == {"deferred": self.sensors}, "all sensors to wait")
        self.until(lambda: self._running() == self.sensors, "the triggerer to run all triggers")

    def idle(self, seconds: float) -> IdleUsage:
        """Watch for so many seconds in which nothing happens."""
        time.sleep(SETTLE_SECONDS)
        began, cpu, transactions = time.monotonic(), self.triggerer_cpu(), self._transactions()
        time.sleep(seconds)
        spent, done = self.triggerer_cpu() - cpu, self._transactions() - transactions
        return IdleUsage(time.monotonic() - began, spent, done)

    def chosen(self, count: int) -> list[int]:
        """Choose sensors, spread over all DAGs and kinds, the same ones each time."""
        return random.Random(0).sample(range(self.sensors), count)

    def event(self, n: int) -> float:
        """Let happen what a sensor waits for; return the seconds from the commit until its task runs, as Airflow says.

        :raises AssertionError: when another sensor has woken up.
        """
        time.sleep(random.Random(n).uniform(0, 5))
        before = self.states().get("deferred", 0)
        self._happen(n)
        committed = time.time()
        self.until(lambda: self._state(n) == "success", f"sensor {n} to see it")
        assert self.states().get("deferred", 0) == before - 1, "a sensor woke up for what it does not wait for"
        return self._ran([n])[n].timestamp() - committed

    def burst(self) -> dict[str, Any]:
        """Let happen all that is still waited for, at once, and look for five minutes at the most how the tasks run."""
        left = [n for n in range(self.sensors) if self._state(n) == "deferred"]
        cpu, began = self.triggerer_cpu(), time.time()
        for n in left:
            self._happen(n)
        committed = time.time()
        self.until(lambda: not self.states().get("deferred"), "the triggerer to tell all")
        told, spent = time.time() - committed, self.triggerer_cpu() - cpu
        ended = time.time() + BURST_S
        while self.states() != {"success": self.sensors} and time.time() < ended:
            self.stack.check()
            time.sleep(1)
        ran = [moment.timestamp() - committed for moment in self._ran(left).values()]
        return {
            "burst": len(left),
            "burst_commits_s": committed - began,
            "burst_told_s": told,
            "burst_cpu_s": spent,
            "burst_ran": len(ran),
            "burst_ran_s": max(ran),
        }

    def _happen(self, n: int) -> None:
        from airflow_mlops.common.refs import SnapshotRef
        from airflow_mlops.store import catalogue, episodes, ledger

        how: dict[str, Any] = {"version": 1, "digest": "d", "gate_report": None, "approver": None, "reason": ""}
        if n % 3 == 0:
            opened = episodes.open_episode(self.database, model=f"m{n}", version=1, change_partition="p", report=None)
            assert opened is not None
            assert episodes.request(self.database, opened.id, partition="p", cutoff="p")
        elif n % 3 == 1:
            ledger.append(self.database, model=f"m{n}", expected_revision=None, actor="benchmark", **how)
        else:
            catalogue.record(self.database, SnapshotRef("labels", f"l{n}", "file:///x", 10, f"p{n}"))

    # what Airflow says

    def until(self, reached: Callable[[], bool], what: str) -> None:
        """Wait for something, as long as Airflow lives."""
        self.stack.client().wait_until(lambda: reached() or None, DEADLINE, what)

    def states(self) -> dict[str, int]:
        """Count the tasks by their state."""
        return {str(s): c for s, c in self._asked("SELECT state, count(*) FROM task_instance GROUP BY state")}

    def _state(self, n: int) -> str:
        ((state,),) = self._asked("SELECT state FROM task_instance WHERE task_id = :task", task=f"wait_{n}")
        return str(state)

    def _running(self) -> int:
        ((count,),) = self._asked("SELECT count(*) FROM trigger WHERE triggerer_id IS NOT NULL")
        return int(count)

    def _ran(self, numbers: Sequence[int]) -> dict[int, datetime]:
        found = self._asked("SELECT task_id, max(dttm) FROM log WHERE event = 'running' GROUP BY task_id")
        moments = {str(task): moment for task, moment in found}
        return {n: moments[f"wait_{n}"] for n in numbers if f"wait_{n}" in moments}

    def _transactions(self) -> int:
        ((count,),) = self._asked("SELECT xact_commit FROM pg_stat_database WHERE datname = 'mlops'")
        return int(count)

    def _asked(self, query: str, **binds: Any) -> Sequence[Any]:
        with self.airflow.connect() as connection:
            return connection.execute(text(query), binds).all()

    # what the kernel says

    def triggerer_cpu(self) -> float:
        """Return the processor time of all processes of the triggerer, in seconds."""
        times = [process.cpu_times() for process in self._triggerer()]
        return float(sum(t.user + t.system + t.children_user + t.children_system for t in times))

    def triggerer_mb(self) -> float:
        """Return its memory; shared pages count once."""
        return float(sum(process.memory_full_info().pss for process in self._triggerer())) / 1e6

    def _triggerer(self) -> list[psutil.Process]:
        from include.demo.processes import members

        (first,) = [p for p in members(self.stack.home) if "triggerer" in p.cmdline() and "triggerer" not in _parent(p)]
        return [first, *first.children(recursive=True)]


def _parent(process: psutil.Process) -> list[str]:
    parent = process.parent()
    return [] if parent is None else parent.cmdline()
