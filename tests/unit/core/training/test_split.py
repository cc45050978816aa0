"""A row's part follows from its own key: nothing that happens to other rows can move it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.training.split import PARTS, Shares, assign, split, uniform

keys = st.lists(st.integers(-(2**40), 2**40) | st.text(min_size=1, max_size=8), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(keys, keys, st.integers(0, 5))
def test_adding_rows_never_moves_a_row(old: list[Any], new: list[Any], seed: int) -> None:
    before = assign(pd.DataFrame({"k": pd.Series(old, dtype=object)}), "k", Shares(), seed=seed)
    grown = pd.DataFrame({"k": pd.Series([*new, *old], dtype=object)})
    after = assign(grown, "k", Shares(), seed=seed)
    assert after[len(new) :].tolist() == before.tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=60))
def test_rows_of_one_key_stay_together(repeated: list[int]) -> None:
    parts = assign(pd.DataFrame({"k": repeated}), "k", Shares())
    assert pd.Series(parts).groupby(repeated).nunique().max() == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-(2**50), 2**50), min_size=1, max_size=20))
def test_a_key_has_the_same_place_whatever_type_its_column_came_with(values: list[int]) -> None:
    ints = pd.Series(values, dtype="int64")
    for other in (ints.astype(float), ints.astype("Int64"), ints.astype(str), ints.astype(object)):
        assert uniform(other, 0).tolist() == uniform(ints, 0).tolist()


def test_the_place_of_a_key_is_fixed_for_ever() -> None:
    assert uniform(pd.Series([1, 2]), 0).round(6).tolist() == PINNED


PINNED = [0.408456, 0.390826]


def test_another_seed_gives_another_split() -> None:
    frame = pd.DataFrame({"k": range(1000)})
    same = (assign(frame, "k", Shares(), seed=0) == assign(frame, "k", Shares(), seed=1)).mean()
    assert 0.3 < same < 0.6  # two independent splits of 0.25, 0.15, 0.6 agree on 0.445


@pytest.mark.parametrize("shares", [Shares(), Shares(0.1, 0.0), Shares(0.5, 0.3)])
def test_the_shares_come_out_right(shares: Shares) -> None:
    parts = assign(pd.DataFrame({"k": [f"customer-{i}" for i in range(20_000)]}), "k", shares)
    wanted = {"test": shares.test, "validation": shares.validation}
    for part, share in wanted.items():
        assert abs((parts == part).mean() - share) < 4 * np.sqrt(0.25 / 20_000)


def test_a_stratified_split_gives_every_stratum_its_exact_shares() -> None:
    frame = pd.DataFrame({"k": range(1000), "y": [0] * 900 + [1] * 100})
    counts = pd.crosstab(frame["y"], assign(frame, "k", Shares(0.2, 0.1), stratify="y"))
    assert counts.loc[0].to_dict() == {"test": 180, "validation": 90, "train": 630}
    assert counts.loc[1].to_dict() == {"test": 20, "validation": 10, "train": 70}


@pytest.mark.parametrize(
    ("test", "validation"), [(0, 0.1), (1, 0), (0.6, 0.4), (-0.1, 0.2), (0.2, -0.1), (np.nan, 0.1)]
)
def test_shares_that_leave_nothing_to_train_on_are_refused(test: float, validation: float) -> None:
    with pytest.raises(BadInput, match="leave no rows to train on"):
        Shares(test, validation)


@pytest.mark.parametrize(
    ("frame", "stratify", "said"),
    [
        ({"a": [1]}, None, "cannot split by 'k': there is no such column"),
        ({"k": [1, None]}, None, "cannot split by 'k': 1 rows have none"),
        ({"k": [1, 2]}, "y", "cannot split by 'y': there is no such column"),
        ({"k": [1, 2], "y": [None, 1]}, "y", "cannot split by 'y': 1 rows have none"),
        ({"k": [1, 1], "y": [0, 1]}, "y", "needs one row a key"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(frame: dict[str, Any], stratify: str | None, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        assign(pd.DataFrame(frame), "k", Shares(), stratify=stratify)


def test_a_snapshot_is_split_into_three_without_a_row_lost_or_doubled(root: SnapshotRoot, people: Any) -> None:
    whole = root.open(root.write("d", [people(100), people(100, first=100)], partition="2026-04-06"))
    refs = split(root, whole, key="id", shares=Shares())
    assert [refs[p].dataset for p in PARTS] == ["d_test", "d_validation", "d_train"]
    assert {r.partition for r in refs.values()} == {"2026-04-06"}
    ids = [i for ref in refs.values() for i in root.open(ref).to_pandas()["id"]]
    assert sorted(ids) == list(range(200))
    assert split(root, whole, key="id", shares=Shares()) == refs  # a retry gives the very same parts


def test_a_part_without_rows_is_refused_unless_it_was_not_asked_for(root: SnapshotRoot, people: Any) -> None:
    whole = root.open(root.write("d", people(3)))
    with pytest.raises(BadInput, match="part would have no row"):
        split(root, whole, key="id", shares=Shares(0.001, 0.001))
    many = root.open(root.write("d", people(50)))
    assert split(root, many, key="id", shares=Shares(0.5, 0))["validation"].rows == 0
