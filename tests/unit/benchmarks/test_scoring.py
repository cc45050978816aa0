"""The invariants of the scoring benchmark are compared with the right metrics."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.scoring import BARE, targets
from benchmarks.tasks import OURS


def row(tool: str, rows: int, wall_s: float, peak_mb: float, task: str = "score") -> dict[str, Any]:
    return {"tool": tool, "task": task, "rows": rows, "wall_s": wall_s, "peak_mb": peak_mb}


@pytest.mark.parametrize(
    ("ours_s", "peak_mb", "kept"), [(117, 690, [True, True]), (119, 690, [False, True]), (90, 710, [True, False])]
)
def test_throughput_is_held_at_the_largest_size_and_memory_between_sizes(
    ours_s: float, peak_mb: float, kept: list[bool]
) -> None:
    figures = [
        row(BARE, 1_000_000, 1, 500),
        row(OURS, 1_000_000, 50, 600),
        row(BARE, 10_000_000, 100, 500),
        row(OURS, 10_000_000, ours_s, peak_mb),
        row(OURS, 10_000_000, 500, 5_000, "score, model in the same process"),
    ]
    assert [target.holds for target in targets(figures)] == kept


def test_few_rows_promise_nothing() -> None:
    assert targets([row(BARE, 200_000, 1, 500), row(OURS, 200_000, 50, 5_000)]) == []
