"""The invariants of the registry's benchmark are compared with the right metrics."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.registry import PLAIN, targets
from benchmarks.tasks import OURS


def row(task: str, rows: int, wall_ms: float) -> dict[str, Any]:
    return {"tool": PLAIN if "plain" in task else OURS, "task": task, "rows": rows, "wall_s": wall_ms / 1e3}


@pytest.mark.parametrize(
    ("ours", "kept"),
    [((190, 199), [True, True, True]), ((205, 199), [False, True, True]), ((150, 201), [True, False, False])],
)
def test_what_is_above_mlflow_and_what_grows_is_told(ours: tuple[float, float], kept: list[bool]) -> None:
    figures = [
        *(row("register, plain", size, 100) for size in (100, 20_000)),
        *(row("register, ours", size, ms) for size, ms in zip((100, 20_000), ours, strict=True)),
    ]
    assert [target.holds for target in targets(figures)] == kept


def test_each_answer_of_the_ledger_is_held_to_its_own_promise() -> None:
    figures = [row("history, newest page", 10, 49), row("as of, recorded", 10, 51), row("a retry's look", 10, 900)]
    assert [(target.holds, target.value) for target in targets(figures)] == [(True, 49), (False, 51)]
