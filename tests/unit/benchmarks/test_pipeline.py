"""The pipeline's promise is compared with the plain script of the same session; the steps by hand do what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import models
from benchmarks.labelled import generate_labelled
from benchmarks.pipeline import steps
from benchmarks.pipeline.session import OURS, PLAIN, TASK, targets


def row(tool: str, wall_s: float, task: str = TASK) -> dict[str, Any]:
    return {"tool": tool, "task": task, "wall_s": wall_s}


@pytest.mark.parametrize(("wall_s", "kept"), [(10.0, True), (10.1, False)])
def test_a_warm_run_may_take_as_long_as_the_cold_script(wall_s: float, kept: bool) -> None:
    figures = [row(PLAIN, 10.0), row("kedro", 1.0), row(OURS, wall_s), row(OURS, 60.0, "starting Airflow")]
    (target,) = targets(figures)
    assert target.holds is kept


def test_without_both_nothing_is_promised() -> None:
    assert targets([row(OURS, 1.0)]) == targets([row(PLAIN, 1.0)]) == []


def test_each_row_is_in_one_part_and_the_shares_are_those_of_the_operator() -> None:
    rows = generate_labelled(5_000).to_pandas()
    parts = steps.split(rows)
    assert sorted(key for part in parts for key in part[models.KEY]) == list(range(5_000))
    assert [len(part) / 5_000 for part in parts] == pytest.approx([0.6, 0.15, 0.25], abs=0.02)


def test_rows_that_break_a_rule_are_refused() -> None:
    rows = generate_labelled(500).to_pandas()
    assert steps.validate(rows) is rows
    for name, value in ((models.KEY, 1), (models.TARGET, 2), ("f00", None), ("c00", range(500))):
        with pytest.raises(steps.Invalid, match=name):
            steps.validate(rows.assign(**{name: value}))


def test_the_first_model_is_champion_and_an_equal_one_is_not(tmp_path: Path) -> None:
    same = {"challenger": {"roc_auc": 0.8}, "champion": {"roc_auc": 0.8}}
    better = {"challenger": {"roc_auc": 0.9}, "champion": {"roc_auc": 0.8}}
    decided = [steps.gate(of, f"m{n}", str(tmp_path)) for n, of in enumerate((same, same, better))]
    assert decided == ["promote_first", "reject", "promote"]
    assert (tmp_path / steps.CHAMPION).read_text() == "m2"
