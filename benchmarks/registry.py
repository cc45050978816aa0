"""``python -m benchmarks registry``: what registering costs beside MLflow's own, and how fast a long ledger answers.

Unlike the other benchmarks this measures calls within a process, as one call is far shorter than its imports: both ways
of registering take turns, and figures are medians.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.measure import measure_command
from benchmarks.paths import BUILD, PEERS, RESULTS, ROOT
from benchmarks.results import Row, Target, find, write
from benchmarks.tasks import OURS

SIZES = {"register": (100, 20_000), "ledger": (100_000,)}
SMALL = {"register": (50,), "ledger": (1_000,)}
MOST_ABOVE_S, MOST_GROWTH_S, MOST_ANSWER_S = 0.100, 0.050, 0.050
PLAIN = "mlflow"


def run(*, small: bool, hold: bool) -> int:
    """Measure, write the metrics and print them; return the exit code."""
    figures = [row for task, sizes in (SMALL if small else SIZES).items() for size in sizes for row in rows(task, size)]
    path = (BUILD if small else RESULTS) / "registry.json"
    write(path, figures)
    print(f"\nregistry, medians of calls; written to {path.relative_to(ROOT)}")
    print(f"{'tool':10}{'task':34}{'rows':>9}{'wall ms':>10}{'CPU ms':>10}")
    for row in figures:
        figures_ms = f"{row['wall_s'] * 1e3:>10.1f}{row['cpu_s'] * 1e3:>10.1f}"
        print(f"{row['tool']:10}{row['task']:34}{row['rows']:>9,}{figures_ms}")
    held = targets(figures)
    for target in held:
        print(f"  {'kept ' if target.holds else 'BROKEN'} {target.says}: {target.value:.1f} ms")
    return 1 if hold and not all(target.holds for target in held) else 0


def rows(task: str, size: int) -> list[dict[str, Any]]:
    """Return the metrics of a child.

    :param task: ``register`` or ``ledger``.
    :param size: runs that MLflow has, or entries of the ledger.
    """
    print(f"{task}, {size:,}", file=sys.stderr, flush=True)
    command = [sys.executable, "-P", str(PEERS / "registry.py"), json.dumps({"task": task, "rows": size})]
    usage = measure_command(command, ROOT)
    return [
        {
            "tool": PLAIN if name.endswith("plain") else OURS,
            "task": name,
            "rows": size,
            "columns": 0,
            "cpu_s": round(found["cpu_s"], 4),
            "wall_s": round(found["wall_s"], 4),
            "peak_mb": round(usage.peak_mb, 1),
            "verdict": "",
            "runs": found["runs"],
            "version": usage.said["version"],
        }
        for name, found in usage.said["medians"].items()
    ]


def targets(figures: Sequence[Row]) -> list[Target]:
    """Compare metrics with what was promised."""
    above = {}
    for size in sorted({row["rows"] for row in figures}):
        of_size = [row for row in figures if row["rows"] == size]
        ours, plain = find(of_size, OURS, "register, ours"), find(of_size, PLAIN, "register, plain")
        if ours and plain:
            above[size] = ours["wall_s"] - plain["wall_s"]
    found = [
        Target(f"registering costs at most 100 ms above MLflow's own, beside {size:,} runs", 1e3 * s, s <= MOST_ABOVE_S)
        for size, s in above.items()
    ]
    alone = [row["wall_s"] for row in figures if row["task"] == "register, ours"]
    if len(alone) > 1:
        growth = alone[-1] - alone[0]
        found.append(Target("what it takes grows by at most 50 ms", 1e3 * growth, growth <= MOST_GROWTH_S))
    for row in figures:
        if row["task"].startswith(("history", "as of")):
            says = f"{row['task']}: at most 50 ms of {row['rows']:,} entries"
            found.append(Target(says, 1e3 * row["wall_s"], row["wall_s"] <= MOST_ANSWER_S))
    return found
