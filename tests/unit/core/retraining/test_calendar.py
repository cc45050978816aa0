"""How far partitions are apart, with a period and without."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.retraining.calendar import PartitionCalendar
from tests.unit.core.retraining.simulated import week

WEEKLY = PartitionCalendar(timedelta(days=7))


@given(st.integers(0, 200), st.integers(0, 200))
def test_with_a_period_time_is_counted_whether_or_not_anybody_looked(first: int, last: int) -> None:
    assert WEEKLY.between(week(first), week(last)) == max(0, last - first)


def test_without_one_only_known_partitions_are_counted() -> None:
    known = PartitionCalendar(partitions=frozenset({"a", "b", "d"}))
    assert [known.between("a", p) for p in ("a", "b", "c", "d", "e")] == [0, 1, 2, 2, 3]
    assert known.missing("a", "d", ["a", "d"]) == ["b"]


def test_missing_partitions_are_named_as_partitions_are_written() -> None:
    assert WEEKLY.missing(week(0), week(4), [week(0), week(2), week(4)]) == [week(1), week(3)]
    hours = PartitionCalendar(timedelta(hours=6))
    seen = ["2026-04-06T00", "2026-04-06T18"]
    assert hours.missing(*seen, seen) == ["2026-04-06T06", "2026-04-06T12"]
    assert WEEKLY.missing(week(4), week(0), []) == []


def test_a_key_that_is_no_date_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadInput, match="'batch-7' is not an ISO date") as told:
        WEEKLY.between("batch-1", "batch-7")
    assert "leave period" in str(told.value.hint)
