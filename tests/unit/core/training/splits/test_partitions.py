"""A split by partition: whole weeks or months, named or counted from the newest."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.splits import GAP, PartitionRule

MONTHS = [f"2026-{month:02}" for month in range(1, 10)]


def by_month(rule: PartitionRule, months: Any = MONTHS) -> dict[str, str]:
    frame = pd.DataFrame({"partition": [m for m in months for _ in range(3)]}).sample(frac=1, random_state=0)
    found = pd.Series(rule.assign(frame)).groupby(frame["partition"].to_numpy())
    assert found.nunique().max() == 1
    return found.first().to_dict()


def test_counted_parts_are_the_newest() -> None:
    parts = by_month(PartitionRule(test=2, validation=1))
    assert list(parts.values()) == ["train"] * 6 + ["validation"] + ["test"] * 2


def test_the_gap_lies_between_counted_parts() -> None:
    parts = by_month(PartitionRule(test=2, validation=1, gap=1))
    assert list(parts.values()) == ["train"] * 4 + [GAP, "validation", GAP, "test", "test"]


def test_named_parts_may_lie_anywhere_and_the_rest_is_for_training() -> None:
    parts = by_month(PartitionRule(test=["2026-02"], validation=["2026-08", "2026-09"]))
    assert [m for m, part in parts.items() if part == "test"] == ["2026-02"]
    assert [m for m, part in parts.items() if part == "validation"] == ["2026-08", "2026-09"]
    assert GAP not in parts.values()


def test_with_training_named_what_is_named_nowhere_belongs_to_no_part() -> None:
    parts = by_month(PartitionRule(test=1, validation=0, train=MONTHS[:4]))
    assert list(parts.values()) == ["train"] * 4 + [GAP] * 4 + ["test"]


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(MONTHS), min_size=1), st.integers(1, 4), st.integers(0, 4), st.integers(0, 3))
def test_nothing_is_lost_and_a_count_is_kept_while_there_is_enough(
    months: set[str], test: int, validation: int, gap: int
) -> None:
    parts = list(by_month(PartitionRule(test=test, validation=validation, gap=gap), sorted(months)).values())
    assert len(parts) == len(months)
    assert parts.count("test") == min(test, len(months))
    left = max(0, len(months) - test - gap)
    assert parts.count("validation") == min(validation, left)
    order = {"train": 0, "validation": 1, "test": 2}
    ranks = [order[part] for part in parts if part != GAP]
    assert ranks == sorted(ranks)


def test_numbers_are_counted_as_numbers_and_named_by_their_text() -> None:
    frame = pd.DataFrame({"week": [2, 10, 9]})
    assert PartitionRule("week", test=1, validation=0).assign(frame).tolist() == ["train", "test", "train"]
    assert PartitionRule("week", test=["2"], validation=["9"]).assign(frame).tolist() == ["test", "train", "validation"]
    assert PartitionRule("week", test=["2"], validation=0).assign(frame.astype(float)).tolist()[0] == "test"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"test": 0}, "test=0, validation=1, gap=0 is not a valid split"),
        ({"test": []}, "is not a valid split"),
        ({"gap": -1}, "gap=-1 is not a valid split"),
        ({"test": ["2026-02"], "gap": 1}, "but partitions are named"),
        ({"test": ["2026-02"], "train": ["2026-02"]}, "partition '2026-02' would be in two parts"),
        ({"test": ["2026-20"]}, r"the test partition '2026-20' has no rows(.|\n)*did you mean '2026-0"),
        ({"train": ["1999-12"]}, "the train partition '1999-12' has no rows"),
    ],
)
def test_what_cannot_be_meant_is_refused(how: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        by_month(PartitionRule(**how))


@pytest.mark.parametrize(
    "names",
    [
        ["9", "10", "11"],
        ["2026-W9", "2026-W10", "2026-W11"],
        ["2025-W50", "2026-W1", "2026-W2"],
        ["2026-04-06", "2026-04-13", "2026-05-04"],
        [9, 10, 11],
        [9.0, 10.0, 11.0],
        [-3, -2, 1],
    ],
)
def test_the_newest_are_counted_by_the_numbers_in_their_names(names: list[Any]) -> None:
    frame = pd.DataFrame({"partition": names[::-1]})
    assert PartitionRule().assign(frame).tolist() == ["test", "validation", "train"]
