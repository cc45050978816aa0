"""What is measured: each task is a script, the interpreter that runs it, and what it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

READ, OURS = "read limit", "ours"
DRIFT_DATA = {"reference": "reference", "current": "current"}
RULES_DATA = {"current": "rules", "task": "validate"}
WIDE_DATA = {"reference": "reference_wide", "current": "current_wide"}


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the result.

    :param tool: whose.
    :param name: what it does.
    :param script: the file in ``peers`` that does it.
    :param asked: what the script is asked for; ``task`` says which of its tasks.
    :param columns: columns of the data.
    :param environment: the peer's environment; None is the project's own.
    :param most_rows: with more rows it is left out: it would take hours, or all memory.
    :param most_runs: the most runs in one session.
    :param before: the task of the same script that has to be done first, unmeasured.
    """

    tool: str
    name: str
    script: str
    asked: Mapping[str, Any] = field(default_factory=dict, hash=False)
    columns: int = 20
    environment: str | None = None
    most_rows: int = 1_000_000_000
    most_runs: int = 100
    before: str | None = None

    @property
    def base(self) -> tuple[str, str | None, str]:
        """What its imports depend on."""
        return self.script, self.environment, str(self.asked.get("on", ""))


def _slow(tool: str, name: str, script: str, environment: str | None, **asked: Any) -> Task:
    return Task(tool, name, script, {**DRIFT_DATA, **asked}, 20, environment, most_rows=1_000_000, most_runs=3)


def _pandera(on: str, most_rows: int) -> Task:
    asked = {**RULES_DATA, "on": on}
    return Task(f"pandera {on}", "30 rules", "pandera_validation.py", asked, 20, "pandera", most_rows)


DRIFT = (
    Task(READ, "read", "read_limit.py", {**DRIFT_DATA, "task": "read"}),
    Task(OURS, "drift", "ours_drift.py", {**DRIFT_DATA, "task": "check"}, before="store"),
    Task(OURS, "profile without a reference", "ours_drift.py", {**DRIFT_DATA, "task": "profile"}),
    Task(READ, "read, with 10^6 names", "read_limit.py", {**WIDE_DATA, "task": "read"}, 21, most_rows=10_000_000),
    Task(
        OURS,
        "drift, with 10^6 names",
        "ours_drift.py",
        {**WIDE_DATA, "task": "check"},
        21,
        None,
        10_000_000,
        before="store",
    ),
    _slow("evidently", "drift, default preset", "evidently_drift.py", None, task="preset"),
    _slow("evidently", "drift, by column", "evidently_drift.py", None, task="by column"),
    _slow("nannyml", "drift, 10 chunks", "nannyml_drift.py", "nannyml", task="drift"),
    _slow("scipy", "drift, KS and chi-squared", "scipy_drift.py", None, task="drift"),
)
VALIDATION = (
    Task(READ, "read", "read_limit.py", {**RULES_DATA, "task": "read"}),
    Task(OURS, "30 rules", "ours_validation.py", RULES_DATA),
    _pandera("polars", 10_000_000),
    _pandera("pandas", 1_000_000),
    Task(
        "great expectations",
        "30 rules",
        "great_expectations_validation.py",
        RULES_DATA,
        environment="great-expectations",
        most_rows=1_000_000,
        most_runs=3,
    ),
)
BENCHMARKS: dict[str, tuple[Task, ...]] = {"drift": DRIFT, "validation": VALIDATION}


def required_environments(tasks: Sequence[Task]) -> set[str]:
    """Name the files that tasks read."""
    return {task.asked[side] for task in tasks for side in ("reference", "current") if side in task.asked}


def select_tasks(name: str, *, rows: int, only: frozenset[str]) -> list[Task]:
    """Return the tasks of a benchmark that are to be run.

    :param name: ``drift`` or ``validation``.
    :param rows: rows of the data.
    :param only: tools; all when empty. ``ours`` and ``read limit`` are always there, as all ratios are to them.
    """
    wanted = only and only | {READ, OURS}
    return [task for task in BENCHMARKS[name] if rows <= task.most_rows and (not wanted or task.tool in wanted)]
