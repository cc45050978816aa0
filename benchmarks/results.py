"""Figures on disk and on the screen, and what was promised of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.tasks import OURS, READ

Row = Mapping[str, Any]
MIN_SPEEDUP = {
    "drift": ("evidently", "drift, default preset", 70.0),
    "validation": ("great expectations", "30 rules", 15.0),
}
MAX_READ_RATIO = {1_000_000: 2.6, 10_000_000: 2.8}
MIN_ROWS = 1_000_000  # with fewer the ratios are of what does not grow with rows
MAX_MB = 500.0
MAX_COLUMN_RATIO = 3.0
MAX_IMPORT_SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class Target:
    """One promise, compared with what was measured.

    :param says: the promise.
    :param value: what was measured.
    :param holds: whether it is kept.
    """

    says: str
    value: float
    holds: bool


def merge_rows(old: Iterable[Row], new: Sequence[Row]) -> list[Row]:
    """Put new metrics in the place of old ones of the same task and size.

    :param old: what was there.
    :param new: what was measured now.
    """
    replaced = {_key(row) for row in new}
    return sorted([*(row for row in old if _key(row) not in replaced), *new], key=lambda row: int(row["rows"]))


def _key(row: Row) -> tuple[Any, ...]:
    return row["tool"], row["task"], row["rows"], row["columns"]


def write(path: Path, new: Sequence[Row]) -> None:
    """Write metrics, beside those of other sizes that are there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    old = json.loads(path.read_text()) if path.exists() else []
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in merge_rows(old, new)) + "\n]\n")


def find(rows: Sequence[Row], tool: str, task: str) -> Row | None:
    """Find the metrics of a task."""
    return next((row for row in rows if row["tool"] == tool and row["task"] == task), None)


def table(rows: Sequence[Row], main: str) -> str:
    """Lay metrics out, with their ratios to ours and to the read limit.

    :param rows: figures of one session and one size.
    :param main: the task of ours that others are compared to.
    """
    ours, read = find(rows, OURS, main), find(rows, READ, "read")
    lines = [f"{'tool':20}{'task':30}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}{'of ours':>9}{'of read':>9}  verdict"]
    for row in rows:
        ratios = ["" if row["task"] == "imports" else _ratio(row, base) for base in (ours, read)]
        lines.append(
            f"{row['tool']:20}{row['task']:30}{row['cpu_s']:>9.3f}{row['wall_s']:>9.3f}{row['peak_mb']:>9.0f}"
            f"{ratios[0]:>9}{ratios[1]:>9}  {str(row['verdict'])[:90]}".rstrip()
        )
    return "\n".join(lines)


def _ratio(row: Row, base: Row | None) -> str:
    return f"{row['cpu_s'] / base['cpu_s']:.2f}" if base and base["cpu_s"] else ""


def targets(name: str, rows: Sequence[Row], main: str) -> list[Target]:
    """Compare metrics with what was promised; a promise whose metrics are missing is left out.

    :param name: ``drift`` or ``validation``.
    :param rows: figures of one session and one size.
    :param main: the task of ours that promises are about.
    """
    ours = find(rows, OURS, main)
    if ours is None:
        return []
    found = []
    enough = ours["rows"] >= MIN_ROWS
    tool, task, factor = MIN_SPEEDUP[name]
    if enough and (peer := find(rows, tool, task)):
        times = peer["cpu_s"] / ours["cpu_s"]
        found.append(Target(f"at least {factor:g} times less CPU than {tool}", times, times >= factor))
    if enough and name == "validation" and (peer := find(rows, "pandera polars", task)):
        part = ours["cpu_s"] / peer["cpu_s"]
        found.append(Target("no more CPU than pandera on Polars", part, part <= 1))
    return [*found, *_drift_targets(rows, ours)] if name == "drift" else found


def _drift_targets(rows: Sequence[Row], ours: Row) -> list[Target]:
    """Compare the drift check with the read limit, memory, one wide column and imports."""
    found = []
    most = MAX_READ_RATIO.get(ours["rows"])
    if (read := find(rows, READ, "read")) and most:
        part = ours["cpu_s"] / read["cpu_s"]
        found.append(Target(f"at most {most} times the read limit", part, part <= most))
    found.append(Target(f"at most {MAX_MB:g} MB", ours["peak_mb"], ours["peak_mb"] <= MAX_MB))
    wide = find(rows, OURS, f"{ours['task']}, with 10^6 names")
    if wide and ours["rows"] >= MIN_ROWS:
        part = (wide["cpu_s"] - ours["cpu_s"]) / (ours["cpu_s"] / ours["columns"])
        says = f"a column of 10^6 names costs at most {MAX_COLUMN_RATIO:g} times a normal one"
        found.append(Target(says, part, part <= MAX_COLUMN_RATIO))
    if imports := find(rows, OURS, "imports"):
        says = f"imports cost at most {MAX_IMPORT_SECONDS} CPU s"
        found.append(Target(says, imports["cpu_s"], imports["cpu_s"] <= MAX_IMPORT_SECONDS))
    return found
