"""A report says what was seen, in bounded JSON, and never makes a pass out of nothing."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import MAX_CHECKS, MAX_TEXT, Check, Report, bounded, verdict_of

STATUSES, SEVERITIES = ("pass", "fail", "not_judged"), ("error", "warn", "info")
checks = st.builds(Check, st.just("c"), st.sampled_from(STATUSES), st.sampled_from(SEVERITIES))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=600),
    lambda inner: st.lists(inner, max_size=60) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=80,
)


@given(st.lists(checks, max_size=6))
def test_a_pass_needs_a_passed_check_and_no_failed_or_unjudged_error(given_checks: list[Check]) -> None:
    verdict = verdict_of(given_checks)
    errors = {c.status for c in given_checks if c.severity == "error"}
    if verdict == "pass":
        assert any(c.status == "pass" for c in given_checks)
        assert errors <= {"pass"}
        assert not any(c.status == "fail" and c.severity == "warn" for c in given_checks)
    assert (verdict == "fail") == ("fail" in errors)


@pytest.mark.parametrize(
    ("given_checks", "verdict"),
    [
        ([], "not_judged"),
        ([Check("a", "pass")], "pass"),
        ([Check("a", "pass"), Check("b", "fail", "warn")], "warn"),
        ([Check("a", "pass"), Check("b", "fail", "info")], "pass"),
        ([Check("a", "fail", "info")], "not_judged"),
        ([Check("a", "pass"), Check("b", "not_judged")], "not_judged"),
        ([Check("a", "pass"), Check("b", "not_judged", "warn")], "pass"),
        ([Check("a", "fail", "warn"), Check("b", "fail")], "fail"),
    ],
)
def test_checks_fold_into_one_verdict(given_checks: list[Check], verdict: str) -> None:
    assert Report.of("validation", "s", given_checks).verdict == verdict


@settings(max_examples=50, deadline=None)
@given(anything, anything)
def test_whatever_was_observed_becomes_json_that_reads_back(observed: Any, fact: Any) -> None:
    report = Report.of("drift", "s", [Check("c", "pass", observed=observed)], facts={"f": fact})
    text = report.to_json()
    assert Report.from_dict(json.loads(text)).to_json() == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan"), np.float32("inf")])
def test_a_number_that_is_not_finite_is_said_by_name(value: float) -> None:
    assert bounded(value) == str(float(value))


def test_long_text_long_lists_and_wide_mappings_are_cut() -> None:
    assert len(bounded("x" * 10**6)) == MAX_TEXT
    assert len(bounded(list(range(1000)))) == 50
    assert len(bounded({i: i for i in range(1000)})) == 50
    assert len(bounded({"k" * 10**5: 1}).popitem()[0]) == MAX_TEXT


def test_numpy_scalars_become_plain_numbers() -> None:
    assert bounded(np.int64(3)) == 3
    assert bounded({"a": np.float32(0.5), "b": np.bool_(True)}) == {"a": 0.5, "b": True}


def test_a_set_gives_the_same_json_in_every_process() -> None:
    code = "from airflow_mlops.core.report import bounded; print(bounded({'a','b','c','d','e','f'}))"
    said = {
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
                       capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(said) == 1


def test_the_bound_never_hides_a_failure_behind_passes_and_says_how_many_are_left_out() -> None:
    many = [Check(f"p{i}", "pass") for i in range(MAX_CHECKS + 5)]
    data = Report.of("validation", "s", [*many, Check("f", "fail"), Check("n", "not_judged")]).to_dict()
    assert [c["name"] for c in data["checks"][:2]] == ["f", "n"]
    assert len(data["checks"]) == MAX_CHECKS
    assert data["checks_left_out"] == 7


def test_another_format_is_refused() -> None:
    with pytest.raises(BadInput, match="report format 2 is not readable"):
        Report.from_dict({**Report.of("gate", "s", []).to_dict(), "format": 2})


def test_the_summary_names_failures_before_what_was_not_judged_and_is_short() -> None:
    report = Report.of("gate", "m v1", [Check(f"c{i}", "fail", message="bad") for i in range(20)], decision="reject")
    lines = report.summary(3).splitlines()
    assert lines == ["gate of m v1: reject", *[f"  - c{i}: bad" for i in range(3)], "  - … and 17 more"]


def test_errors_stand_before_warnings_among_the_failed() -> None:
    report = Report.of("gate", "s", [Check("w", "fail", "warn"), Check("e", "fail"), Check("p", "pass")])
    assert [c.name for c in report.failed] == ["e", "w"]


def test_the_reference_carries_verdict_and_decision() -> None:
    ref = Report.of("gate", "s", [Check("a", "pass")], decision="promote").ref()
    assert (ref.report_kind, ref.verdict, ref.decision) == ("gate", "pass", "promote")


def test_a_report_that_was_cut_still_says_how_many_checks_it_had() -> None:
    report = Report.of("drift", "wide", [Check(f"c{i}", "pass") for i in range(MAX_CHECKS + 7)])
    back = Report.from_dict(report.to_dict())
    assert (len(back.checks), back.checks_left_out) == (MAX_CHECKS, 7)
    assert Report.from_dict(back.to_dict()).checks_left_out == 7
