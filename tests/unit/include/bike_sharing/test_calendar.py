"""The months of the file, and how some of them are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.bike_sharing.calendar import (
    A_YEAR_LATER,
    LATER,
    MONTHS,
    REFERENCE,
    SUMMER,
    format_month_ranges,
    snapshot_address,
)


def test_the_months_are_those_of_two_years_and_the_first_quarter_is_the_reference() -> None:
    assert (len(MONTHS), MONTHS[0], MONTHS[-1]) == (24, "2011-01", "2012-12")
    assert [*REFERENCE, *LATER] == MONTHS
    assert (REFERENCE[-1], SUMMER, A_YEAR_LATER) == (
        "2011-03",
        ["2011-07", "2011-08", "2011-09"],
        ["2012-01", "2012-02", "2012-03"],
    )
    assert snapshot_address("2011-04") == "bike_sharing@2011-04"


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ([], ""),
        (["2011-04"], "2011-04"),
        (["2011-05", "2011-04"], "2011-04 to 2011-05"),
        (["2011-12", "2012-01", "2012-03"], "2011-12 to 2012-01, 2012-03"),
        (["2011-01"], ""),
        (LATER, "2011-04 to 2012-12"),
    ],
)
def test_months_that_follow_each_other_are_told_as_one_span(chosen: list[str], told: str) -> None:
    assert format_month_ranges(chosen) == told


@given(st.sets(st.sampled_from(LATER)))
def test_the_spans_name_the_chosen_months_and_no_others(chosen: set[str]) -> None:
    named = set()
    for span in filter(None, format_month_ranges(chosen).split(", ")):
        first, _, last = span.partition(" to ")
        named |= set(LATER[LATER.index(first) : LATER.index(last or first) + 1])
    assert named == chosen
