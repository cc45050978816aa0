"""A search whose process is killed ends as one that nobody killed (``python -m benchmarks.crash`` kills more often)."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.crash.attempts import Study, attempt_once
from benchmarks.crash.tuning import Outcome, run_kills


@pytest.mark.parametrize("method", ["grid", "optuna"])
def test_a_search_that_is_killed_at_random_points_loses_and_doubles_nothing(method: str, tmp_path: Path) -> None:
    if method == "optuna":
        pytest.importorskip("optuna")
    found = run_kills(Study(tmp_path, method, trials=13), kills=3, seed=1, target=attempt_once)
    assert (found.wrong, found.kills, found.trials) == ([], 3, 13)


def test_what_went_wrong_is_said() -> None:
    assert Outcome("grid", 20, 60, 130, 120).summary().endswith("where 120 are needed: none lost, doubled or changed")
    assert Outcome("grid", wrong=["trial 3 is lost"]).summary().endswith(": trial 3 is lost")
