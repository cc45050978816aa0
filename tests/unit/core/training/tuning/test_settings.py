"""A search that cannot go is refused before anything is run, in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.tuning import Tuning

SPACE = {"rate": [1, 2, 3], "kind": ["a", "b"]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"space": {}}, "space: .*at least 1"),
        ({"method": "annealing"}, "method: "),
        ({"trials": 0}, "trials: "),
        ({"folds": 1}, "folds: "),
        ({"group": "id"}, "require folds"),
        ({"folds": 3, "group": "id", "time": "t"}, "group and time exclude each other"),
        ({"folds": 3, "gap": "14d"}, "gap requires time"),
        ({"folds": 3, "time": "t", "gap": "14"}, "gap: '14' is not a duration"),
        ({"iterations": {"name": "rate", "steps": [1, 2]}}, "'rate' is both in space and in iterations"),
        ({"iterations": {"name": "n", "steps": [2, 2]}}, r"iterations\.steps: steps must be increasing"),
        ({"parts": 2, "part": 2}, "part=2 is not valid"),
        ({"parts": 2, "method": "optuna"}, "optuna learns from earlier trials"),
        ({"method": "grid", "trials": 5}, r"the grid has 6 points \(rate 3 x kind 2\), more than 5 trials"),
        ({"method": "grid", "space": {n: list(range(11)) for n in "abc"}}, "1331 points .* more than 1000 trials"),
    ],
)
def test_what_does_not_go_together_is_told(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Tuning.load({"space": SPACE, **settings})


def test_numbers_may_be_text_out_of_a_template() -> None:
    tuning = Tuning.load(
        {"space": SPACE, "trials": "7", "folds": "3", "timeout": "1.5", "prune": "false", "group": "id"}
    )
    assert (tuning.trials, tuning.folds, tuning.timeout, tuning.prune, tuning.group) == (7, 3, 1.5, False, ("id",))


@given(st.integers(1, 40), st.integers(1, 10), st.booleans())
def test_the_parts_of_a_search_have_every_trial_once(trials: int, parts: int, grid: bool) -> None:
    given = {"space": {"rate": list(range(trials))}, "method": "grid" if grid else "random", "trials": trials}
    cut = [Tuning.load({**given, "parts": parts, "part": part}).trial_numbers for part in range(parts)]
    assert sorted(number for numbers in cut for number in numbers) == list(range(trials))


def test_a_study_is_another_one_when_what_its_trials_depend_on_is() -> None:
    tuning = Tuning.load({"space": SPACE})
    same = {
        tuning.digest({"train": "1"}) for tuning in (tuning, tuning.model_copy(update={"trials": 50, "timeout": 9}))
    }
    others = [
        tuning.digest({"train": "2"}),
        *(
            Tuning.load({"space": SPACE, **changed}).digest({"train": "1"})
            for changed in ({"seed": 1}, {"folds": 3}, {"method": "grid"}, {"space": {"rate": [1, 2]}})
        ),
    ]
    assert len(same) == 1
    assert len(same | set(others)) == 6
