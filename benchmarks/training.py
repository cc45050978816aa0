"""``python -m benchmarks training``: what training and evaluating through the operators cost above a plain script.

One warm process forks for each piece of work, as an executor does for each task: the operators of a run and the plain
script take turns there, so that what else the machine does falls on both.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measure import measure_command
from benchmarks.paths import BUILD, RESULTS, ROOT
from benchmarks.results import Row, Target, find, write

ROWS, SMALL_ROWS, RUNS = 100_000, 5_000, 5
ESTIMATORS, SMALL_ESTIMATORS = ("boosted", "linear"), ("boosted",)
COLUMNS = 20
OURS, PLAIN = "airflow-mlops", "plain"
TRAIN_AND_EVALUATE = "train and evaluate"
MAX_OVERHEAD_RATIO = 1.15


def run(*, small: bool, hold: bool) -> int:
    """Measure, write the metrics and print them; return the exit code."""
    rows, runs = (SMALL_ROWS, 1) if small else (ROWS, RUNS)
    figures = [
        row for name in (SMALL_ESTIMATORS if small else ESTIMATORS) for row in measure_estimator(name, rows, runs)
    ]
    path = (BUILD if small else RESULTS) / "training.json"
    write(path, figures)
    print(
        f"\ntraining, {rows:,} rows, medians of {runs}, one thread, imports beyond; written to {path.relative_to(ROOT)}"
    )
    print(f"{'tool':16}{'task':44}{'CPU s':>9}{'wall s':>9}{'of plain':>10}")
    for row in figures:
        plain = None if row["tool"] == PLAIN else find(figures, PLAIN, row["task"])
        ratio = f"{row['cpu_s'] / plain['cpu_s']:.2f}" if plain and plain["cpu_s"] else ""
        print(f"{row['tool']:16}{row['task']:44}{row['cpu_s']:>9.3f}{row['wall_s']:>9.3f}{ratio:>10}".rstrip())
    held = targets(figures)
    for target in held:
        print(f"  {'kept ' if target.holds else 'BROKEN'} {target.says}: {target.value:.2f}")
    return 1 if hold and not all(target.holds for target in held) else 0


def measure_estimator(estimator: str, rows: int, runs: int) -> list[dict[str, Any]]:
    """Return the metrics of one estimator.

    :param estimator: one of :mod:`benchmarks.models`.
    :param rows: of all parts together.
    :param runs: how often; what is beyond is measured half as often.
    """
    print(f"training, {estimator}, {rows:,} rows", file=sys.stderr, flush=True)
    made = measure_command([sys.executable, "-m", "benchmarks.labelled", str(BUILD / "data"), str(rows)], ROOT)
    asked = {"file": made.said["file"], "estimator": estimator, "runs": runs}
    usage = measure_command([sys.executable, "-m", "benchmarks.peers.training", json.dumps(asked)], ROOT)
    said = usage.said
    shared = {"rows": rows, "columns": COLUMNS, "peak_mb": round(usage.peak_mb, 1), "version": said["version"]}

    def row(tool: str, task: str, found: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "tool": tool,
            "task": f"{task}, {estimator}",
            "cpu_s": round(found["cpu_s"], 4),
            "wall_s": round(found["wall_s"], 4),
            "verdict": f"AUC {said['auc']:.4f}",
            "runs": found["runs"],
            **shared,
        }

    figures = [row(tool, task, found) for tool, tasks in said["medians"].items() for task, found in tasks.items()]
    return figures + [row(OURS, f"beyond {task}", found) for task, found in said["beyond"].items()]


def targets(figures: Sequence[Row]) -> list[Target]:
    """Compare metrics with what was promised; with few rows the ratio is of what does not grow with rows."""
    found = []
    for ours in figures:
        if ours["tool"] == OURS and ours["task"].startswith(f"{TRAIN_AND_EVALUATE}, ") and ours["rows"] >= ROWS:
            plain = find(figures, PLAIN, ours["task"])
            if plain and plain["cpu_s"]:
                times = ours["cpu_s"] / plain["cpu_s"]
                says = f"{ours['task']}: at most {MAX_OVERHEAD_RATIO:g} times the CPU of the plain script"
                found.append(Target(says, times, times <= MAX_OVERHEAD_RATIO))
    return found
