"""A row's part follows from its own key: nothing that happens to other rows can move it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.splits import KeyRule, SplitFractions, assign_parts, format_keys, hash_to_unit_interval

keys = st.lists(st.integers(-(2**40), 2**40) | st.text(min_size=1, max_size=8), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(keys, keys, st.integers(0, 5))
def test_adding_rows_never_moves_a_row(old: list[Any], new: list[Any], seed: int) -> None:
    before = assign_parts(pd.DataFrame({"k": pd.Series(old, dtype=object)}), "k", SplitFractions(), seed=seed)
    grown = pd.DataFrame({"k": pd.Series([*new, *old], dtype=object)})
    after = assign_parts(grown, "k", SplitFractions(), seed=seed)
    assert after[len(new) :].tolist() == before.tolist()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=60))
def test_rows_of_one_key_stay_together(repeated: list[int]) -> None:
    parts = assign_parts(pd.DataFrame({"k": repeated}), "k", SplitFractions())
    assert pd.Series(parts).groupby(repeated).nunique().max() == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-(2**50), 2**50), min_size=1, max_size=20))
def test_a_key_has_the_same_place_whatever_type_its_column_came_with(values: list[int]) -> None:
    ints = pd.Series(values, dtype="int64")
    for other in (ints.astype(float), ints.astype("Int64"), ints.astype(str), ints.astype(object)):
        assert hash_to_unit_interval(other, 0).tolist() == hash_to_unit_interval(ints, 0).tolist()


DAY = pd.Timestamp("2026-04-06")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pd.Series([7, 8]), pd.Series([7.0, None])),
        (pd.Series([7, 8]), pd.Series([7.0, None], dtype="Float64")),
        (pd.Series([7, 8]), pd.Series([7.0, 8.5], dtype="float32")),
        (pd.Series([7, 8]), pd.Series([7.0, "x"], dtype=object)),
        (pd.Series([7, 8]), pd.Series([Decimal("7.00"), Decimal("7.5")])),
        (pd.Series([7, 8]), pd.Series([7.0, 8.0]).astype("category")),
        (pd.Series([Decimal("7.50")]), pd.Series([7.5])),
        (pd.Series([DAY, DAY]), pd.Series([DAY, DAY + pd.Timedelta("12h")])),
        (pd.Series([DAY, DAY]), pd.Series([DAY, None])),
        (pd.Series([DAY, DAY]), pd.Series(["2026-04-06", "x"])),
        (pd.Series([DAY, DAY]), pd.Series([DAY.date(), None])),
        (pd.Series([DAY, DAY]), pd.Series([DAY, DAY]).astype("datetime64[ns]")),
        (
            pd.Series([DAY]).dt.tz_localize("UTC"),
            pd.Series([DAY, DAY]).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
        ),
    ],
    ids=lambda column: f"{column.dtype}-{len(column)}",
)
def test_what_stands_beside_a_key_does_not_change_it(one: Any, other: Any) -> None:
    assert format_keys(one)[0] == format_keys(other)[0]
    assert hash_to_unit_interval(one.head(1), 0) == hash_to_unit_interval(other.head(1), 0)


def test_the_place_of_a_key_is_fixed_for_ever() -> None:
    assert hash_to_unit_interval(pd.Series([1, 2]), 0).round(6).tolist() == PINNED


PINNED = [0.408456, 0.390826]


def test_another_seed_gives_another_split() -> None:
    frame = pd.DataFrame({"k": range(1000)})
    same = (
        assign_parts(frame, "k", SplitFractions(), seed=0) == assign_parts(frame, "k", SplitFractions(), seed=1)
    ).mean()
    assert 0.3 < same < 0.6  # two independent splits of 0.25, 0.15, 0.6 agree on 0.445


@pytest.mark.parametrize("shares", [SplitFractions(), SplitFractions(0.1, 0.0), SplitFractions(0.5, 0.3)])
def test_the_shares_come_out_right(shares: SplitFractions) -> None:
    parts = assign_parts(pd.DataFrame({"k": [f"customer-{i}" for i in range(20_000)]}), "k", shares)
    wanted = {"test": shares.test, "validation": shares.validation}
    for part, share in wanted.items():
        assert abs((parts == part).mean() - share) < 4 * np.sqrt(0.25 / 20_000)


def test_a_stratified_split_gives_every_stratum_its_exact_shares() -> None:
    frame = pd.DataFrame({"k": range(1000), "y": [0] * 900 + [1] * 100})
    counts = pd.crosstab(frame["y"], assign_parts(frame, "k", SplitFractions(0.2, 0.1), stratify="y"))
    assert counts.loc[0].to_dict() == {"test": 180, "validation": 90, "train": 630}
    assert counts.loc[1].to_dict() == {"test": 20, "validation": 10, "train": 70}


def test_a_stratified_split_by_group_shares_out_groups_and_keeps_each_together() -> None:
    frame = pd.DataFrame({"k": np.repeat(np.arange(100), 3), "y": np.repeat([0] * 80 + [1] * 20, 3)})
    parts = assign_parts(frame, "k", SplitFractions(0.2, 0.1), stratify="y")
    assert frame.groupby("k").apply(lambda rows: len(set(parts[rows.index])), include_groups=False).max() == 1
    assert pd.crosstab(frame["y"], parts).loc[1].to_dict() == {"test": 12, "validation": 6, "train": 42}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=60), st.lists(st.booleans(), max_size=60), st.integers(0, 3))
def test_a_stratified_split_with_its_earlier_parts_never_moves_a_row(
    old: list[bool], new: list[bool], seed: int
) -> None:
    frame = pd.DataFrame({"k": range(len(old)), "y": old})
    before = assign_parts(frame, "k", SplitFractions(), seed=seed, stratify="y")
    earlier = dict(zip(frame["k"].astype(str), before, strict=True))
    grown = pd.DataFrame({"k": range(len(old) + len(new)), "y": [*old, *new]})
    after = assign_parts(grown, "k", SplitFractions(), seed=seed, stratify="y", earlier=earlier)
    assert after[: len(old)].tolist() == before.tolist()
    for stratum in {*old, *new}:  # and the whole is as near its shares as if it had been split at once
        members = (grown["y"] == stratum).to_numpy()
        at_once = assign_parts(grown, "k", SplitFractions(), seed=seed, stratify="y")[members]
        for part in ("test", "validation"):
            held = (before[np.array(old) == stratum] == part).sum()
            assert (after[members] == part).sum() == max(held, (at_once == part).sum())


def test_rows_near_a_boundary_would_move_without_their_earlier_parts() -> None:
    small, large = (pd.DataFrame({"k": range(n), "y": 0}) for n in (500, 1000))
    before = assign_parts(small, "k", SplitFractions(), stratify="y")
    assert (assign_parts(large, "k", SplitFractions(), stratify="y")[:500] != before).any()


def test_a_plain_split_keeps_earlier_parts_too_when_shares_or_seed_change() -> None:
    frame = pd.DataFrame({"k": range(50)})
    earlier = {str(k): "test" for k in range(10)} | {"77": "train"}
    parts = assign_parts(frame, "k", SplitFractions(0.1, 0.1), seed=4, earlier=earlier)
    assert set(parts[:10]) == {"test"}
    assert parts[10:].tolist() == assign_parts(frame, "k", SplitFractions(0.1, 0.1), seed=4)[10:].tolist()


def test_several_columns_make_one_key_and_cannot_run_into_each_other() -> None:
    frame = pd.DataFrame({"a": ["1", "11", "1"], "b": ["12", "2", "12"]})
    texts = KeyRule(["a", "b"], SplitFractions(0.5, 0)).assign(pd.concat([frame] * 2, ignore_index=True))
    assert texts[0] == texts[2] == texts[3]
    many = pd.DataFrame({"a": np.arange(2000) // 40, "b": np.arange(2000) % 40})
    parts = assign_parts(many, ["a", "b"], SplitFractions())
    assert abs((parts == "test").mean() - 0.25) < 0.05
    assert pd.Series(parts).groupby(many["a"]).nunique().min() > 1  # neither column alone decides


@pytest.mark.parametrize(
    ("test", "validation"), [(0, 0.1), (1, 0), (0.6, 0.4), (-0.1, 0.2), (0.2, -0.1), (np.nan, 0.1)]
)
def test_shares_that_leave_nothing_to_train_on_are_refused(test: float, validation: float) -> None:
    with pytest.raises(BadInput, match="leave no rows to train on"):
        SplitFractions(test, validation)


@pytest.mark.parametrize(
    ("frame", "key", "stratify", "said"),
    [
        ({"a": [1]}, "k", None, "cannot split by 'k': there is no such column"),
        ({"k": [1, None]}, "k", None, "cannot split by 'k': 1 rows have no value"),
        ({"k": [1, 2]}, "k", "y", "cannot split by 'y': there is no such column"),
        ({"k": [1, 2], "y": [None, 1]}, "k", "y", "cannot split by 'y': 1 rows have no value"),
        ({"k": [1, 1], "y": [0, 1]}, "k", "y", "needs one 'y' per key; 1 keys have several"),
        ({"k": [1, 2]}, ["k", "l"], None, "cannot split by 'l': there is no such column"),
        ({"k": [1, 2]}, [], None, "no key column is given"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(
    frame: dict[str, Any], key: Any, stratify: str | None, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        assign_parts(pd.DataFrame(frame), key, SplitFractions(), stratify=stratify)
