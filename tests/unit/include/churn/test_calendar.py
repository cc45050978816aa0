from __future__ import annotations

from datetime import date

from include.churn.calendar import (
    CHANGE_DAY,
    CHANGE_WEEK,
    FIRST_WEEK,
    HISTORY_END,
    LAST_WEEK,
    key,
    last_labelled,
    weeks,
)


def test_every_named_cut_off_is_a_monday() -> None:
    named = (FIRST_WEEK, HISTORY_END, CHANGE_DAY, CHANGE_WEEK, LAST_WEEK)
    assert [day.isoweekday() for day in named] == [1] * 5


def test_the_history_has_twelve_partitions_a_week_apart() -> None:
    history = weeks(FIRST_WEEK, HISTORY_END)
    assert len(history) == 12
    assert [key(cutoff) for cutoff in history[:2]] == ["2026-01-12", "2026-01-19"]
    assert history[-1] == HISTORY_END


def test_weeks_are_none_when_the_last_lies_before_the_first() -> None:
    assert weeks(FIRST_WEEK, date(2026, 1, 5)) == []


def test_the_first_changed_partition_begins_on_the_day_of_the_change() -> None:
    assert key(CHANGE_DAY) == "2026-04-27"
    assert weeks(CHANGE_DAY, CHANGE_WEEK) == [CHANGE_DAY, CHANGE_WEEK]


def test_a_label_is_known_two_weeks_after_its_cut_off() -> None:
    assert last_labelled(date(2026, 3, 30)) == date(2026, 3, 16)
