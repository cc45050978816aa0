"""Outliers are judged by what the reference has seen, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from airflow_mlops.common.report import Check
from airflow_mlops.core.data.contracts.column_rules import OutlierRule
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.data.validation import validate
from airflow_mlops.core.data.validation.outliers import Fences, compute_fences

NORMAL = np.random.default_rng(0).normal(10, 2, size=50_000)


def reference(values: Any) -> Any:
    return profile(pl.DataFrame({"x": values}))


def judged(values: Any, rule: dict[str, Any], seen: Any) -> Check:
    contract = {"name": "x", "columns": {"x": {"type": "float", "outliers": rule}}}
    report = validate(pl.DataFrame({"x": values}), contract, reference=seen)
    (check,) = [c for c in report.checks if c.name == "outliers"]
    return check


@pytest.mark.parametrize(
    ("rule", "low", "high"),
    [
        ({"method": "z", "factor": 3}, 4.0, 16.0),
        ({"method": "iqr", "factor": 1.5}, 4.6, 15.4),
        ({"method": "quantile", "low": 0.025, "high": 0.975}, 6.08, 13.92),
    ],
)
def test_each_method_has_its_fences(rule: dict[str, Any], low: float, high: float) -> None:
    found = compute_fences(OutlierRule.load(rule), reference(NORMAL).columns["x"])
    assert isinstance(found, Fences)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.1), pytest.approx(high, abs=0.1))


def test_too_many_outliers_fail_and_as_many_as_are_allowed_pass() -> None:
    rule, seen = {"method": "z", "factor": 3, "max_fraction": 0.1}, reference(NORMAL)
    values = [10.0] * 90 + [17.0] * 5 + [3.0] * 5
    assert judged(values, rule, seen).status == "pass"
    check = judged([*values, 17.0], rule, seen)
    assert check.status == "fail"
    assert check.observed["count"] == 11
    assert "z of the reference" in check.message


def test_missing_and_infinite_values_are_no_outliers() -> None:
    check = judged([10.0, None, float("nan"), float("inf")], {"method": "z", "max_fraction": 0}, reference(NORMAL))
    assert check.observed["count"] == 0


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (None, "no reference profile"),
        (reference([None, None]), "no numbers"),
        (reference(["a", "b"]), "no numbers"),
        (reference([1.0] * 99 + [2.0]), "no spread"),
        (profile(pl.DataFrame({"other": [1]})), "no reference profile of this column"),
    ],
)
def test_without_a_reference_that_can_judge_nothing_is_judged(seen: Any, why: str) -> None:
    check = judged([1.0, 99.0], {}, seen)
    assert check.status == "inconclusive"
    assert why in check.message


def test_a_value_that_a_quantile_falls_on_is_no_outlier() -> None:
    values = [5, 9] * 1000  # the quantile 0.4 is 5; read from cells it comes out a little above
    rule = {"method": "quantile", "low": 0.4, "high": 0.999, "max_fraction": 0}
    assert judged(values, rule, reference(values)).status == "pass"
