"""Folds keep the rule of the split: a group is in one fold, the past never sees the future."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.core.training.tuning.folds import Fold, make_folds

NONE = pd.DataFrame()


def tuning(**settings: Any) -> Tuning:
    return Tuning.load({"space": {"a": [1]}, **settings})


def judged_once(made: list[Fold], rows: int) -> bool:
    return sorted(np.concatenate([fold.test for fold in made])) == list(range(rows))


@given(st.lists(st.integers(0, 2), min_size=30, max_size=90), st.integers(2, 5), st.integers(0, 9))
def test_random_folds_judge_every_row_once_and_share_out_each_class(classes: list[int], count: int, seed: int) -> None:
    target = pd.Series([*classes, *([0, 1, 2] * 5)], name="y")
    made = make_folds(tuning(folds=count, seed=seed), target, NONE, "multiclass")
    assert judged_once(made, len(target))
    for fold in made:
        assert not set(fold.train) & set(fold.test)
        assert len(fold.train) + len(fold.test) == len(target)
        assert abs(len(fold.test) - len(target) / count) < 1
        for value in range(3):
            assert abs((target.iloc[fold.test] == value).sum() - (target == value).sum() / count) < 1


@given(st.lists(st.integers(0, 20), min_size=40, max_size=80), st.integers(2, 4), st.integers(0, 9))
def test_a_group_is_in_one_fold_whatever_the_order_of_the_rows(groups: list[int], count: int, seed: int) -> None:
    rows = pd.DataFrame({"g": [*groups, *range(count)]})
    target = pd.Series(np.arange(len(rows), dtype=float), name="y")
    settings = tuning(folds=count, group="g", seed=seed)
    made = make_folds(settings, target, rows, "regression")
    assert judged_once(made, len(rows))
    for fold in made:
        assert not set(rows["g"].iloc[fold.train]) & set(rows["g"].iloc[fold.test])
    sizes = [rows["g"].iloc[fold.test].nunique() for fold in made]
    assert max(sizes) - min(sizes) <= 1
    backwards = make_folds(settings, target, rows.iloc[::-1].reset_index(drop=True), "regression")
    assert [set(rows["g"].iloc[::-1].iloc[f.test]) for f in backwards] == [set(rows["g"].iloc[f.test]) for f in made]


@given(st.lists(st.integers(0, 300), min_size=40, max_size=80, unique=True), st.integers(2, 4), st.integers(0, 10))
def test_each_fold_is_judged_on_what_came_later_than_all_that_it_was_fitted_on(
    days: list[int], count: int, gap: int
) -> None:
    shuffled = np.random.default_rng(0).permutation(np.repeat([*days, *range(400, 500)], 2))
    rows = pd.DataFrame({"t": pd.Timestamp("2026-01-01") + pd.to_timedelta(shuffled, unit="D")})
    target = pd.Series(np.arange(len(rows), dtype=float), name="y")
    settings = tuning(folds=count, time="t", **({"gap": f"{gap}d"} if gap else {}))
    made = make_folds(settings, target, rows, "regression")
    assert len(made) == count
    ends = []
    for fold in made:
        fitted, judged = rows["t"].iloc[fold.train], rows["t"].iloc[fold.test]
        assert fitted.max() < judged.min() - pd.Timedelta(days=gap)
        ends.append((judged.min(), judged.max()))
        older = rows["t"] < judged.min() - pd.Timedelta(days=gap)
        assert len(fold.train) == older.sum()
    assert all(before[1] < after[0] for before, after in pairwise(ends))
    assert ends[-1][1] == rows["t"].max()


@pytest.mark.parametrize(
    ("settings", "rows", "said"),
    [
        ({"folds": 3, "group": "g"}, {"g": [1, 1, 2, 2]}, "3 folds need 3 groups; there are 2"),
        ({"folds": 2, "group": "h"}, {"g": [1, 1, 2, 2]}, "there is no such column"),
        ({"folds": 2, "group": "g"}, {"g": [1, None, 2, 2]}, "1 rows have no value"),
        ({"folds": 2, "group": "g"}, {"g": [1, 1, 2, 2]}, r"fold . has no rows of 'y' = \['.'\] to fit on"),
        ({"folds": 2, "time": "g"}, {"g": ["2026-01"] * 4}, "fold 0 has no rows to fit on"),
        ({"folds": 2, "time": "g"}, {"g": ["2026-01", "2026-01", "2026-02", "2026-03"]}, "fold 0 has no rows of 'y'"),
        ({"folds": 4, "group": ["g", "i"]}, {"g": [1, 1, 2, 2], "i": [1, 2, 1, 2]}, "fold 0 has no rows of 'y'"),
    ],
)
def test_folds_that_cannot_be_fitted_or_judged_are_told(
    settings: dict[str, Any], rows: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        make_folds(tuning(**settings), pd.Series([0, 0, 1, 1], name="y"), pd.DataFrame(rows), "binary")
