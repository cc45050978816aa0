"""``python -m benchmarks pipeline``: six steps in a running Airflow beside the same steps as a script that starts cold.

Airflow is the demo's own: its four components, a LocalExecutor whose workers have preloaded the libraries, PostgreSQL.
It is started once, goes on running while the others take their turns, and has been through one run before that.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import environments
from benchmarks.measure import CommandFailed, Usage, measure_command
from benchmarks.paths import BUILD, HERE, RESULTS, ROOT
from benchmarks.results import Row, Target, find, write
from benchmarks.threads import single_thread_environment

if TYPE_CHECKING:
    from include.demo.airflow import AirflowStack
    from include.demo.rest import RestClient

OURS, PLAIN = "airflow-mlops", "plain"
DAG, MODEL, TASK = "six_steps", "six_steps", "six steps"
SCRIPTS = {PLAIN: ("plain", None), "kedro": ("with_kedro", "kedro"), "zenml": ("with_zenml", "zenml")}
ROWS, SMALL_ROWS, RUNS = 20_000, 5_000, 5
COLUMNS = 20
DEADLINE = 300.0
FOLDER = BUILD / "pipeline"


def run(*, small: bool, hold: bool) -> int:
    """Measure, write the metrics and print them; return the exit code."""
    from include.demo.signals import interrupted_by_signals

    rows, runs = (SMALL_ROWS, 1) if small else (ROWS, RUNS)
    with interrupted_by_signals():  # so that a stop ends Airflow, too
        figures = measure(rows, runs)
    path = (BUILD if small else RESULTS) / "pipeline.json"
    write(path, figures)
    print(f"\npipeline, {rows:,} rows, medians of {runs}, one thread; written to {path.relative_to(ROOT)}")
    print(f"{'tool':16}{'task':28}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}  verdict")
    for row in figures:
        print(
            f"{row['tool']:16}{row['task']:28}{row['wall_s']:>9.2f}{row['cpu_s']:>9.2f}{row['peak_mb']:>9.0f}"
            f"  {row['verdict']}"
        )
    held = targets(figures)
    for target in held:
        print(f"  {'kept ' if target.holds else 'BROKEN'} {target.says}: {target.value:.2f}")
    return 1 if hold and not all(target.holds for target in held) else 0


def targets(figures: Sequence[Row]) -> list[Target]:
    """Compare the time with that of the plain script."""
    ours, plain = (find(figures, tool, TASK) for tool in (OURS, PLAIN))
    if not ours or not plain or not plain["wall_s"]:
        return []
    times = ours["wall_s"] / plain["wall_s"]
    return [Target("a warm run takes no longer than the plain script, cold", times, times <= 1)]


def measure(rows: int, runs: int) -> list[dict[str, Any]]:
    """Return a row for each tool, and one for what starting Airflow takes."""
    from include.demo.airflow import AirflowStack
    from include.demo.postgres import EmbeddedPostgres

    shutil.rmtree(FOLDER, ignore_errors=True)
    file = measure_command([sys.executable, "-m", "benchmarks.labelled", str(BUILD / "data"), str(rows)], ROOT).said[
        "file"
    ]
    with EmbeddedPostgres(FOLDER / "postgres", fresh=True) as postgres:
        place = _workplace(postgres.database("mlops"))
        settings = {**place.connections(), **_quiet(), "PYTHONPATH": str(ROOT), "SIX_STEPS_FILE": file}
        stack = AirflowStack(
            FOLDER / "airflow", HERE / "pipeline" / "bundle", settings, postgres.database("airflow"), port=18180
        )
        began = time.perf_counter()
        with stack:
            started = time.perf_counter() - began
            airflow = Airflow(stack, stack.client())
            airflow.begin(place)
            taken = _in_turns(airflow, file, runs)
            memory = airflow.peak_mb()
    found = [_row(tool, rows, usages) for tool, usages in taken.items() if usages]
    for row in found:
        if row["tool"] == OURS:
            row["peak_mb"] = round(memory, 1)
    start = Usage(0.0, started, 0.0, {"verdict": "once, before all runs"})
    return [*found, _row(OURS, rows, [start], "starting Airflow")]


def _workplace(store: str) -> Any:
    from benchmarks.workspace import Workspace

    place = Workspace(FOLDER / "ours", store)
    measure_command([sys.executable, "-m", "benchmarks.workspace", "prepare", str(place.folder), store, DAG], ROOT)
    return place


def _quiet() -> dict[str, str]:
    """Return the single-thread environment, as the scripts have it."""
    return {
        name: value for name, value in single_thread_environment().items() if value == "1" or name == "DO_NOT_TRACK"
    }


@dataclass(slots=True)
class Airflow:
    """The running Airflow.

    :param stack: its processes.
    :param client: its REST API.
    """

    stack: AirflowStack
    client: RestClient

    def begin(self, place: Any) -> None:
        """Run once, and make the version champion, so that all later runs compare two models."""
        self.client.wait_for_dags([DAG], DEADLINE)
        self.client.unpause(DAG)
        self.once("first")
        command = [sys.executable, "-m", "benchmarks.workspace", "crown", str(place.folder), place.store, MODEL]
        measure_command(command, ROOT)

    def once(self, name: str) -> Usage:
        """Trigger a run, and give what it took until its end.

        :raises Failed: when it, or a task of it, failed.
        """
        before, began = self._processor_time(), time.time()
        self.client.trigger(DAG, name)
        ended = self.client.wait_run(DAG, name, DEADLINE)
        spent = self._processor_time() - before
        if ended["state"] != "success":
            states = {t["task_id"]: t["state"] for t in self.client.task_instances(DAG, name)}
            raise CommandFailed(f"run {name} is {ended['state']}: {states}; logs are in {self.stack.home}")
        wall = datetime.fromisoformat(ended["end_date"]).timestamp() - began
        better = {t["task_id"]: t["state"] for t in self.client.task_instances(DAG, name)}["better"]
        return Usage(spent, wall, 0.0, {"verdict": "promote" if better == "success" else "reject"})

    def peak_mb(self) -> float:
        """Run once more, and look at the memory of all of Airflow's processes; shared pages count once."""
        seen, done = [0], threading.Event()

        def look() -> None:
            while not done.wait(0.5):
                seen.append(self.stack.memory())

        looking = threading.Thread(target=look)
        looking.start()
        try:
            self.once("memory")
        finally:
            done.set()
            looking.join()
        return max(seen) / 1e6

    def _processor_time(self) -> float:
        import psutil

        from include.demo.processes import members

        total = 0.0
        for process in members(self.stack.home):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
            total += times.children_user + times.children_system
        return total


def _in_turns(airflow: Airflow, file: str, runs: int) -> dict[str, list[Usage]]:
    """Let all tools take turns; a round before does not count, as there they make their databases."""
    taken: dict[str, list[Usage]] = defaultdict(list)
    ready = [tool for tool, (_, environment) in SCRIPTS.items() if _is_ready(tool, environment)]
    for number in range(runs + 1):
        for tool in [*ready, OURS]:
            print(f"{tool}, round {number}", file=sys.stderr, flush=True)
            try:
                usage = airflow.once(f"round-{number}") if tool == OURS else _script(tool, file)
            except CommandFailed as failure:
                print(f"{tool} failed: {failure}", file=sys.stderr)
                continue
            if number:
                taken[tool].append(usage)
    return taken


def _is_ready(tool: str, environment: str | None) -> bool:
    if environments.installed(environment):
        return True
    print(f"{tool} is left out: python -m benchmarks install {environment}", file=sys.stderr)
    return False


def _script(tool: str, file: str) -> Usage:
    """Run a script in a folder of its own."""
    script, environment = SCRIPTS[tool]
    folder = Path(FOLDER / tool)
    folder.mkdir(parents=True, exist_ok=True)
    python = str(environments.interpreter(environment))
    return measure_command([python, "-m", f"benchmarks.pipeline.{script}", file, str(folder)], ROOT)


def _row(tool: str, rows: int, usages: Sequence[Usage], task: str = TASK) -> dict[str, Any]:
    return {
        "tool": tool,
        "task": task,
        "rows": rows,
        "columns": COLUMNS,
        "cpu_s": round(statistics.median(u.cpu_s for u in usages), 3),
        "wall_s": round(statistics.median(u.wall_s for u in usages), 3),
        "peak_mb": round(statistics.median(u.peak_mb for u in usages), 1),
        "verdict": usages[-1].said.get("verdict", ""),
        "runs": len(usages),
        "version": usages[-1].said.get("version", ""),
    }
