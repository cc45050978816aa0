"""``python -m benchmarks drift|validation|registry|scoring|sensors|serving|training|pipeline|all``, or ``install``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from benchmarks import environments, registry, scoring, sensors, serving, training
from benchmarks.measure import CommandFailed, Usage, measure_command, median_usage
from benchmarks.paths import BUILD, PEERS, RESULTS, ROOT
from benchmarks.pipeline import session as pipeline
from benchmarks.results import table, targets, write
from benchmarks.rules import build_rules
from benchmarks.tasks import BENCHMARKS, Task, required_environments, select_tasks

MAIN = {"drift": "drift", "validation": "30 rules"}
WITHIN = {
    "registry": registry.run,
    "scoring": scoring.run,
    "sensors": sensors.run,
    "serving": serving.run,
    "training": training.run,
    "pipeline": pipeline.run,
}
"""What has a session of its own."""
BY_NAME_ONLY = ("pipeline",)  # it starts an Airflow
SMALL_ROWS = 50_000
BYTES_A_ROW = 200  # of a file, with room


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for.

    :return: the exit code: 1 when a script failed, or with ``--hold`` a promise is not kept.
    """
    options = _options(arguments)
    if options.what == "install":
        environments.install(options.peers)
        return 0
    if options.what in WITHIN:
        own = {"airflow": options.airflow} if options.what == "sensors" else {}
        return WITHIN[options.what](small=options.small, hold=options.hold, **own)
    rows, runs = (SMALL_ROWS, 1) if options.small else (options.rows, options.runs)
    names = list(BENCHMARKS) if options.what == "all" else [options.what]
    fine = True
    for name in names:
        tasks = select_tasks(name, rows=rows, only=frozenset(filter(None, options.only.split(","))))
        session = Session(generate_data(rows, required_environments(tasks)), rows)
        session.run(tasks, runs)
        figures = session.figures()
        path = (BUILD if options.small else RESULTS) / f"{name}.json"
        write(path, figures)
        print(f"\n{name}, {rows:,} rows, one thread, CPU beyond imports; written to {path.relative_to(ROOT)}")
        print(table(figures, MAIN[name]))
        held = targets(name, figures, MAIN[name])
        for target in held:
            print(f"  {'kept ' if target.holds else 'BROKEN'} {target.says}: {target.value:.2f}")
        fine = fine and not session.failed and (not options.hold or all(target.holds for target in held))
    if options.what == "all" and not options.only:  # what they are compared with is in the same process
        for run in (run for name, run in WITHIN.items() if name not in BY_NAME_ONLY):
            fine = run(small=options.small, hold=options.hold) == 0 and fine
    return 0 if fine else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=[*BENCHMARKS, *WITHIN, "all", "install"])
    parser.add_argument("peers", nargs="*", help="with install: only these")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the data (default 1,000,000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each task; slow peers have at most 3 (default 5)")
    parser.add_argument("--small", action="store_true", help="one run on few rows, to see that it works")
    parser.add_argument("--only", default="", help="tools, with commas between; ours and the read limit are always run")
    parser.add_argument("--hold", action="store_true", help="fail when a promise is not kept")
    parser.add_argument("--airflow", action="store_true", help="sensors: in a running Airflow, not in process")
    return parser.parse_args(arguments)


def generate_data(rows: int, names: Collection[str]) -> Mapping[str, str]:
    """Generate the data in a separate process and return the files.

    :param rows: how many rows.
    :param names: which files.
    :raises SystemExit: when the disk has no room for it.
    """
    folder = BUILD / "data"
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    there = sum(any(folder.glob(f"{name}-{rows}-*.parquet")) for name in names)
    if free < (size := rows * BYTES_A_ROW * (len(names) - there)):
        raise SystemExit(f"{rows:,} rows need up to {size / 1e9:.0f} GB, {free / 1e9:.0f} GB are free")
    command = [sys.executable, "-m", "benchmarks.data", str(folder), str(rows), *sorted(names)]
    found: Mapping[str, str] = measure_command(command, ROOT).said
    return found


class Session:
    """Runs of several tasks in turn, so that what else the machine does falls on all of them.

    :param files: the data, by name.
    :param rows: how many rows it has.
    """

    def __init__(self, files: Mapping[str, str], rows: int) -> None:
        self.files, self.rows = files, rows
        self.taken: dict[Task, list[Usage]] = defaultdict(list)
        self.imports: dict[tuple[str, str | None, str], list[Usage]] = defaultdict(list)
        self.start: list[Usage] = []
        self.failed: dict[Task, str] = {}

    def run(self, tasks: Sequence[Task], runs: int) -> None:
        """Measure tasks, in turn, each beside its imports."""
        ready = [task for task in tasks if self._is_ready(task)]
        for task in ready:  # unmeasured: compiles what is imported
            self._try(task, {**task.asked, "task": task.before or "imports"}, [])
        for number in range(runs):
            self.start.append(measure_command([sys.executable, "-c", "print('{}')"], ROOT))
            for task in (t for t in ready if number < t.most_runs):
                print(f"{task.tool}: {task.name}, run {number + 1}", file=sys.stderr, flush=True)
                if len(self.imports[task.base]) <= number:
                    self._try(task, {**task.asked, "task": "imports"}, self.imports[task.base])
                self._try(task, task.asked, self.taken[task])

    def _try(self, task: Task, asked: Mapping[str, Any], taken: list[Usage]) -> None:
        """Measure one child, unless the task has failed before."""
        if task in self.failed:
            return
        try:
            taken.append(self._child(task, asked))
        except CommandFailed as failure:
            self.failed[task] = str(failure)
            print(f"{task.tool}: {task.name} failed: {failure}", file=sys.stderr)

    def _is_ready(self, task: Task) -> bool:
        if environments.installed(task.environment):
            return True
        print(f"{task.tool} is left out: python -m benchmarks install {task.environment}", file=sys.stderr)
        return False

    def _child(self, task: Task, asked: Mapping[str, Any]) -> Usage:
        stored = BUILD / f"profile-{self.rows}-{asked.get('reference', '')}.json"
        request = {**asked, "files": self.files, "rules": build_rules(), "stored": str(stored)}
        python = str(environments.interpreter(task.environment))
        return measure_command([python, "-P", str(PEERS / task.script), json.dumps(request)], ROOT)

    def figures(self) -> list[dict[str, Any]]:
        """Return a row for each task, and one for what each tool's imports cost beyond an interpreter's start."""
        rows = [self._row(t.tool, t.name, t, taken, self.imports[t.base]) for t, taken in self.taken.items() if taken]
        first = {task.base: task for task in reversed(self.taken)}
        for base, imports in self.imports.items():
            if imports and base in first:
                task = first[base]
                rows.append({**self._row(task.tool, "imports", task, imports, self.start), "verdict": ""})
        return rows

    def _row(self, tool: str, name: str, task: Task, taken: Sequence[Usage], base: Sequence[Usage]) -> dict[str, Any]:
        usage = median_usage(taken, base)
        return {
            "tool": tool,
            "task": name,
            "rows": self.rows,
            "columns": task.columns,
            "cpu_s": round(usage.cpu_s, 4),
            "wall_s": round(usage.wall_s, 4),
            "peak_mb": round(usage.peak_mb, 1),
            "verdict": usage.said.get("verdict", ""),
            "runs": len(taken),
            "version": usage.said.get("version", ""),
        }


if __name__ == "__main__":
    sys.exit(main())
