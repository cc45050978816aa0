"""Scoring that is killed ends as if nobody had killed it (``python -m benchmarks.crash scoring`` kills more often)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.crash.scoring import Outcome, Weeks, run_kills


def test_scoring_that_is_killed_at_random_points_has_every_row_once(tmp_path: Path) -> None:
    found = run_kills(Weeks(tmp_path), kills=4, seed=1)
    assert (found.wrong, found.kills) == ([], 4)


def test_what_went_wrong_is_said() -> None:
    assert "every row exactly once" in Outcome(30, 5, 100, 90).summary()
    assert "3 files are left over" in Outcome(wrong=["3 files are left over"]).summary()
