"""Figures and tables of a report as a whole: what a maker put in is shown, bounded, and nothing else is made of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.reports import render_page, summary


def report(kind: str = "drift", **told: Any) -> Report:
    return Report.from_checks(kind, "s", [Check("drift", "fail", where="price")], facts=told)


def test_a_table_of_the_makers_stands_before_the_checks_with_its_note() -> None:
    table = {"title": "Season or growth?", "head": ["Column", "Winter"], "rows": [["cnt", 1.43], ["a", None]]}
    page = render_page(report(tables=[{**table, "note": "How <far>."}]))
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    places = [words.index(w) for w in ("Season or growth?", "cnt 1.43", "How &lt;far&gt;.", "Drifted columns")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "bad",
    [None, "x", 3, {}, [None], [{}], [{"head": ["a"], "rows": 3}], [{"head": 1, "rows": [[1]]}],
     [{"head": ["a", "b"], "rows": [["only one"], "text", None]}], [{"head": [], "rows": [[]]}]],
)  # fmt: skip
def test_what_is_no_table_is_left_out(bad: Any) -> None:
    assert summary.read_tables(report(tables=bad)) == []
    assert "Drifted columns" in render_page(report(tables=bad))


anything = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["title", "head", "rows"]), inner),
    max_leaves=15,
)


@settings(max_examples=60, deadline=None)
@given(anything)
def test_whatever_stands_there_makes_rows_as_wide_as_their_head(given_: Any) -> None:
    for told in summary.read_tables(report(tables=given_)):
        assert {len(row) for row in told.table.rows} == {len(told.table.head)}


def test_tables_are_bounded() -> None:
    wide = {"title": "t" * 999, "head": ['"' * 99] * 99, "rows": [['"' * 999] * 99] * 999, "note": '"' * 9999}
    assert len(summary.read_tables(report(tables=[wide] * 9))) == summary.MAX_TABLES
    assert len(render_page(report(tables=[wide] * 9)).encode()) < 100_000


def test_windows_of_drift_are_held_against_their_threshold_and_others_are_not() -> None:
    windows = [{"partition": "a", "value": 0.5, "verdict": "pass"}, {"partition": "b", "value": 2.0, "verdict": "fail"}]
    page = render_page(report(windows=windows))
    assert "above the dashed line it is drift" in page
    assert '<path class="limit" d="M0 45H680"/>' in page  # 1 lies halfway between 0, at 76, and 2, at 14
    other = render_page(report("performance", windows=windows))
    assert 'class="limit"' not in other
    assert "dashed" not in other


def test_a_preset_is_told_when_it_was_chosen() -> None:
    assert summary.list_facts(report(preset="default")) == []
    assert summary.list_facts(report(preset="evidently")) == [("Preset", "evidently")]
