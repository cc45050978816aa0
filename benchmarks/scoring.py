"""``python -m benchmarks scoring``: batch scoring beside a bare script, on the same files and with the same model."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measure import Usage, measure_command
from benchmarks.paths import BUILD, RESULTS, ROOT
from benchmarks.results import Row, Target, find, write
from benchmarks.tasks import OURS

SIZES, SMALL_SIZES = (1_000_000, 10_000_000), (50_000, 200_000)
BARE = "bare script"
TASKS: Mapping[tuple[str, str], str] = {
    (BARE, "score"): "bare",
    (OURS, "score"): "ours",
    (OURS, "score, model in the same process"): "in process",
}
COLUMNS = 16
RUNS = 3
LEAST_OF_BARE = 0.85
MOST_GROWTH_MB = 100.0
LEAST_ROWS = 1_000_000  # with fewer, imports are most of it, and batches are not full


def run(*, small: bool, hold: bool) -> int:
    """Measure, write the metrics and print them; return the exit code."""
    figures = [row for size in (SMALL_SIZES if small else SIZES) for row in rows(size, 1 if small else RUNS)]
    path = (BUILD if small else RESULTS) / "scoring.json"
    write(path, figures)
    print(f"\nscoring, one thread a library, medians; written to {path.relative_to(ROOT)}")
    print(f"{'tool':14}{'task':36}{'rows':>12}{'wall s':>9}{'CPU s':>9}{'rows/s':>10}{'peak MB':>9}")
    for row in figures:
        rate = row["rows"] / row["wall_s"]
        print(
            f"{row['tool']:14}{row['task']:36}{row['rows']:>12,}{row['wall_s']:>9.1f}{row['cpu_s']:>9.1f}"
            f"{rate:>10,.0f}{row['peak_mb']:>9.0f}"
        )
    held = targets(figures)
    for target in held:
        print(f"  {'kept ' if target.holds else 'BROKEN'} {target.says}: {target.value:.2f}")
    return 1 if hold and not all(target.holds for target in held) else 0


def rows(size: int, runs: int) -> list[dict[str, Any]]:
    """Return the metrics of a size: all variants take turns, so that other load affects all of them.

    :param size: rows of the snapshot.
    :param runs: how often each way is measured.
    """
    _child("prepare", size)
    taken: dict[tuple[str, str], list[Usage]] = {way: [] for way in TASKS}
    for number in range(runs):
        for way, task in TASKS.items():
            print(f"{size:,} rows, {task}, run {number + 1}", file=sys.stderr, flush=True)
            taken[way].append(_child(task, size))
    return [_row(tool, name, size, usages) for (tool, name), usages in taken.items()]


def _child(task: str, size: int) -> Usage:
    asked = {"task": task, "rows": size, "folder": str(BUILD / f"scoring-{size}")}
    usage = measure_command([sys.executable, "-m", "benchmarks.peers.scoring", json.dumps(asked)], ROOT)
    if task != "prepare" and usage.said["verdict"] != str(size):
        raise SystemExit(f"{task} scored {usage.said['verdict']} of {size} rows")
    return usage


def _row(tool: str, name: str, size: int, usages: Sequence[Usage]) -> dict[str, Any]:
    """Times are those of the whole process: the snapshot is long enough for imports not to matter."""
    return {
        "tool": tool,
        "task": name,
        "rows": size,
        "columns": COLUMNS,
        "cpu_s": round(statistics.median(u.cpu_s for u in usages), 3),
        "wall_s": round(statistics.median(u.wall_s for u in usages), 3),
        "peak_mb": round(statistics.median(u.peak_mb for u in usages), 1),
        "verdict": "",
        "runs": len(usages),
        "version": usages[-1].said["version"],
    }


def targets(figures: Sequence[Row]) -> list[Target]:
    """Compare metrics with what was promised, at the largest size; small sizes promise nothing."""
    sizes = sorted({row["rows"] for row in figures if row["rows"] >= LEAST_ROWS})
    if not sizes:
        return []
    of_size = {size: [row for row in figures if row["rows"] == size] for size in sizes}
    bare, ours = (find(of_size[sizes[-1]], tool, "score") for tool in (BARE, OURS))
    found = []
    if bare and ours:
        part = bare["wall_s"] / ours["wall_s"]
        says = f"at least {LEAST_OF_BARE:g} of the bare script's throughput, {sizes[-1]:,} rows"
        found.append(Target(says, part, part >= LEAST_OF_BARE))
    peaks = [row["peak_mb"] for size in sizes if (row := find(of_size[size], OURS, "score"))]
    if len(peaks) > 1:
        growth = peaks[-1] - peaks[0]
        says = f"from {sizes[0]:,} to {sizes[-1]:,} rows memory grows by at most {MOST_GROWTH_MB:g} MB"
        found.append(Target(says, growth, growth <= MOST_GROWTH_MB))
    return found
