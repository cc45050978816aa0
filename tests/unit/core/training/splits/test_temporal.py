"""A temporal split: what is judged came after all that was learned from, and a gap keeps labels apart."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.splits import GAP, PARTS, TimeRule, parse_timestamps

DAY = timedelta(days=1)
amounts = st.floats(0.01, 0.45) | st.integers(1, 40).map(lambda hours: timedelta(hours=hours))
hours = st.lists(st.integers(0, 400), min_size=1, max_size=80)


def frame_of(hours: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"t": pd.Timestamp("2026-01-01") + pd.to_timedelta(hours, unit="h")})


def days(n: int, first: str = "2026-01-01") -> pd.DataFrame:
    return pd.DataFrame({"t": pd.date_range(first, periods=n).strftime("%Y-%m-%d")})


@settings(max_examples=80, deadline=None)
@given(hours, amounts, amounts | st.just(0.0), st.integers(0, 30))
def test_nothing_is_lost_parts_are_in_order_and_the_gap_lies_between_them(
    hours: list[int], test: Any, validation: Any, gap: int
) -> None:
    frame = frame_of(hours)
    parts = TimeRule("t", test, validation, timedelta(hours=gap)).assign(frame)
    assert set(parts) <= {*PARTS, GAP}
    assert len(parts) == len(frame)
    times = {part: frame["t"][parts == part] for part in (*PARTS, GAP)}
    in_order = [times[part] for part in ("train", "validation", "test") if len(times[part])]
    for older, newer in pairwise(in_order):
        assert newer.min() - older.max() > timedelta(hours=gap)
    assert frame["t"].max() in set(times["test"]) or not len(times["test"])
    for moment in times[GAP]:  # who is in the gap is so near before a part that its label could reach into it
        assert any(timedelta() < newer.min() - moment <= timedelta(hours=gap) for newer in in_order[-2:])
    if not gap:
        assert not len(times[GAP])


@settings(max_examples=30, deadline=None)
@given(hours, amounts, amounts, st.randoms())
def test_the_order_of_the_rows_does_not_matter(hours: list[int], test: Any, validation: Any, random: Any) -> None:
    rule, shuffled = TimeRule("t", test, validation, timedelta(hours=3)), list(range(len(hours)))
    random.shuffle(shuffled)
    frame = frame_of(hours)
    assert rule.assign(frame)[shuffled].tolist() == rule.assign(frame.iloc[shuffled]).tolist()


@settings(max_examples=50, deadline=None)
@given(hours, st.lists(st.integers(0, 400), max_size=60), amounts, amounts, st.integers(0, 30))
def test_no_test_row_is_older_than_what_a_model_trained_before_has_seen(
    old: list[int], later: list[int], test: Any, validation: Any, gap: int
) -> None:
    rule = TimeRule("t", test, validation, timedelta(hours=gap))
    grown = [*old, *(max(old) + more for more in later)]
    before, now = rule.assign(frame_of(old)), rule.assign(frame_of(grown))
    assume((before == "test").any())  # split_snapshot refuses a split without a test row: no model was trained on it
    seen = frame_of(old)["t"][np.isin(before, ("train", "validation"))]
    judged = frame_of(grown)["t"][now == "test"]
    assert not len(seen) or not len(judged) or judged.min() > seen.max()


def test_a_span_counts_back_from_the_newest_row_and_takes_whole_days() -> None:
    parts = TimeRule("t", 7 * DAY, 7 * DAY).assign(days(30))
    assert parts.tolist() == ["train"] * 16 + ["validation"] * 7 + ["test"] * 7


def test_rows_within_the_gap_belong_to_no_part() -> None:
    parts = TimeRule("t", 7 * DAY, 7 * DAY, gap=3 * DAY).assign(days(30))
    assert parts.tolist() == ["train"] * 10 + [GAP] * 3 + ["validation"] * 7 + [GAP] * 3 + ["test"] * 7


def test_shares_are_of_all_rows_and_rows_of_one_moment_stay_together() -> None:
    parts = TimeRule("t", 0.2, 0.1).assign(days(100))
    assert [(parts == part).sum() for part in PARTS] == [20, 10, 70]
    tied = pd.DataFrame({"t": ["2026-01-01"] * 60 + ["2026-01-02"] * 25 + ["2026-01-03"] * 15})
    assert TimeRule("t", 0.01, 0.0).assign(tied).tolist() == ["train"] * 85 + ["test"] * 15
    assert TimeRule("t", 0.16, 0.0).assign(tied).tolist() == ["train"] * 60 + ["test"] * 40


def test_a_share_and_a_span_go_together_and_validation_may_be_left_out() -> None:
    assert TimeRule("t", 5 * DAY, 0.1).assign(days(50)).tolist() == ["train"] * 40 + ["validation"] * 5 + ["test"] * 5
    assert TimeRule("t", 5 * DAY, timedelta()).assign(days(9)).tolist() == ["train"] * 4 + ["test"] * 5
    assert not TimeRule("t", 5 * DAY, 0).has_validation


@pytest.mark.parametrize(
    ("column", "first"),
    [
        (["2026-04-06", "2026-04-07T12:30"], "2026-04-06"),
        (["2026-04", "2026-05"], "2026-04-01"),
        (["2026-04-06T02:00+02:00", "2026-04-06T00:00Z", "2026-04-06"], "2026-04-06"),
        (pd.to_datetime(["2026-04-06", None]), "2026-04-06"),
        (pd.to_datetime(["2026-04-06T02:00+02:00"]), "2026-04-06"),
        ([pd.Timestamp("2026-04-06").date()], "2026-04-06"),
    ],
    ids=["ISO", "months", "zones", "datetimes", "datetimes with a zone", "dates"],
)
def test_moments_are_read_from_what_snapshots_hold(column: Any, first: str) -> None:
    read = parse_timestamps(pd.Series(column, name="t"))
    assert read[0] == pd.Timestamp(first)
    assert read.dt.tz is None


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([1, 2], "column 't' is not a column of timestamps"),
        (["soon"], "column 't' has text that is not a timestamp"),
        (["2026-04-06", None], "cannot split by 't': 1 rows have no value"),
    ],
)
def test_what_is_no_moment_is_refused(column: list[Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        TimeRule("t").assign(pd.DataFrame({"t": column}))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"test": 0.0}, "leave no rows to train on"),
        ({"test": 0.5, "validation": 0.5}, "leave no rows to train on"),
        ({"test": timedelta()}, "is not a valid split"),
        ({"test": -DAY}, "is not a valid split"),
        ({"test": DAY, "validation": 1.5}, "1.5 is not a valid fraction"),
        ({"test": float("nan"), "validation": DAY}, "nan is not a valid fraction"),
        ({"test": 0.0, "validation": DAY}, "is not a valid split"),
        ({"gap": -DAY}, "a gap of -1 day"),
    ],
)
def test_amounts_that_are_no_split_are_refused(how: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        TimeRule("t", **how)
