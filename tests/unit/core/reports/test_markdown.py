"""The short text shows what it was given, as text, in one table."""

from __future__ import annotations

import re

import pytest

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.reports import render_markdown
from airflow_mlops.core.reports.markdown import MAX_LISTED, escape


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a|b", r"a\|b"), ("line\nbreak", "line break"), ("![x](http://evil)", r"!\[x\](http://evil)"),
        ("<b>", r"\<b>"), ("*bold* `code`", r"\*bold\* \`code\`"), ("bill_amt", "bill_amt"),
        ("__init__", r"\_\_init\_\_"),
        ("_x", r"\_x"), ("# head", r"\# head"), ("- item", r"\- item"), ("1. one", r"1\. one"),
        ("> quote", r"\> quote"),
        ("0.81", "0.81"), ("-3", "-3"), ("&lt;", r"\&lt;"), ("R&D", "R&D"), ("\\", r"\\"), ("---", r"\---"),
    ],
)  # fmt: skip
def test_a_text_shows_as_it_is(given: str, shown: str) -> None:
    assert escape(given) == shown


def test_the_verdict_the_failed_checks_and_the_facts_are_told_in_that_order() -> None:
    checks = [Check("min", "fail", where="a|b", message="low"), Check("max", "pass")]
    said = render_markdown(Report.from_checks("validation", "churn", checks, facts={"rows": 1000}))
    assert said.splitlines()[0] == "❌ **Data validation: Contract violated** (fail)"
    assert r"| a\|b | min | error | low |" in said.splitlines()
    assert said.index("low") < said.index("- Rows: 1,000") < said.index("1 failed, 1 passed · report")


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    checks = [Check("a|b", "fail", where="x|\ny", message="|" * 50) for _ in range(3)]
    rows = [
        line for line in render_markdown(Report.from_checks("drift", "s", checks)).splitlines() if line.startswith("|")
    ]
    assert len(rows) == 5
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}


def test_what_was_not_judged_is_told_when_nothing_failed() -> None:
    assert "too few rows" in render_markdown(
        Report.from_checks("drift", "s", [Check("drift", "inconclusive", message="too few rows")])
    )


def test_it_stays_short_and_says_what_it_leaves_out() -> None:
    said = render_markdown(
        Report.from_checks("drift", "s", [Check("d", "fail", where=f"c{i}", message="x" * 400) for i in range(500)])
    )
    assert f"… and {500 - MAX_LISTED} more" in said
    assert len(said) < 10_000
