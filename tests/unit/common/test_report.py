"""A report is bounded JSON, and never passes without a passed check."""

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

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import MAX_CHECKS, MAX_TEXT, Check, Report, to_bounded_json, verdict_of

STATUSES, SEVERITIES = ("pass", "fail", "inconclusive"), ("error", "warn", "info")
checks = st.builds(Check, st.just("c"), st.sampled_from(STATUSES), st.sampled_from(SEVERITIES))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=600),
    lambda inner: st.lists(inner, max_size=60) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=80,
)


@given(st.lists(checks, max_size=6))
def test_a_pass_requires_a_passed_check_and_no_failed_or_inconclusive_error(given_checks: list[Check]) -> None:
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
        ([], "inconclusive"),
        ([Check("a", "pass")], "pass"),
        ([Check("a", "pass"), Check("b", "fail", "warn")], "warn"),
        ([Check("a", "pass"), Check("b", "fail", "info")], "pass"),
        ([Check("a", "fail", "info")], "inconclusive"),
        ([Check("a", "pass"), Check("b", "inconclusive")], "inconclusive"),
        ([Check("a", "pass"), Check("b", "inconclusive", "warn")], "pass"),
        ([Check("a", "fail", "warn"), Check("b", "fail")], "fail"),
    ],
)
def test_checks_fold_into_one_verdict(given_checks: list[Check], verdict: str) -> None:
    assert Report.from_checks("validation", "s", given_checks).verdict == verdict


@settings(max_examples=50, deadline=None)
@given(anything, anything)
def test_any_observed_value_survives_a_round_trip(observed: Any, fact: Any) -> None:
    report = Report.from_checks("drift", "s", [Check("c", "pass", observed=observed)], facts={"f": fact})
    text = report.to_json()
    assert Report.from_dict(json.loads(text)).to_json() == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan"), np.float32("inf")])
def test_a_non_finite_number_becomes_its_name(value: float) -> None:
    assert to_bounded_json(value) == str(float(value))


def test_long_text_lists_and_mappings_are_truncated() -> None:
    assert len(to_bounded_json("x" * 10**6)) == MAX_TEXT
    assert len(to_bounded_json(list(range(1000)))) == 50
    assert len(to_bounded_json({i: i for i in range(1000)})) == 50
    assert len(to_bounded_json({"k" * 10**5: 1}).popitem()[0]) == MAX_TEXT


def test_numpy_scalars_become_python_numbers() -> None:
    assert to_bounded_json(np.int64(3)) == 3
    assert to_bounded_json({"a": np.float32(0.5), "b": np.bool_(True)}) == {"a": 0.5, "b": True}


def test_a_set_gives_the_same_json_in_every_process() -> None:
    code = "from airflow_mlops.common.report import to_bounded_json; print(to_bounded_json({'a','b','c','d','e','f'}))"
    outputs = {
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
                       capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(outputs) == 1


def test_the_bound_never_hides_a_failure_behind_passes_and_says_how_many_are_left_out() -> None:
    many = [Check(f"p{i}", "pass") for i in range(MAX_CHECKS + 5)]
    data = Report.from_checks("validation", "s", [*many, Check("f", "fail"), Check("n", "inconclusive")]).to_dict()
    assert [c["name"] for c in data["checks"][:2]] == ["f", "n"]
    assert len(data["checks"]) == MAX_CHECKS
    assert data["omitted_checks"] == 7


def test_another_format_is_refused() -> None:
    with pytest.raises(BadInput, match="report format 2 is not readable"):
        Report.from_dict({**Report.from_checks("gate", "s", []).to_dict(), "format": 2})


def test_the_summary_is_short_and_lists_failures_first() -> None:
    report = Report.from_checks(
        "gate", "m v1", [Check(f"c{i}", "fail", message="bad") for i in range(20)], decision="reject"
    )
    lines = report.summary(3).splitlines()
    assert lines == ["gate of m v1: reject", *[f"  - c{i}: bad" for i in range(3)], "  - … and 17 more"]


def test_failed_lists_errors_before_warnings() -> None:
    report = Report.from_checks("gate", "s", [Check("w", "fail", "warn"), Check("e", "fail"), Check("p", "pass")])
    assert [c.name for c in report.failed] == ["e", "w"]


def test_the_reference_carries_verdict_and_decision() -> None:
    ref = Report.from_checks("gate", "s", [Check("a", "pass")], decision="promote").ref()
    assert (ref.report_kind, ref.verdict, ref.decision) == ("gate", "pass", "promote")


def test_a_truncated_report_has_the_number_of_omitted_checks() -> None:
    report = Report.from_checks("drift", "wide", [Check(f"c{i}", "pass") for i in range(MAX_CHECKS + 7)])
    back = Report.from_dict(report.to_dict())
    assert (len(back.checks), back.omitted_checks) == (MAX_CHECKS, 7)
    assert Report.from_dict(back.to_dict()).omitted_checks == 7
