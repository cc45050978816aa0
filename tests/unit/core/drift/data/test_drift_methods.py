"""A drift method of another package measures a column like a built-in one, and never passes what it cannot measure."""

from __future__ import annotations

import importlib.metadata
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.drift.data import DriftPolicy, check_drift, drift_methods, drift_policy
from airflow_mlops.core.drift.data.drift_methods import DRIFT_METHODS

ACME = """
import math

import numpy as np

from airflow_mlops.api import DriftEffect


class Hellinger:
    kinds = ("number", "category")
    threshold = 0.05

    def compare(self, reference, current):
        if reference.numbers is None:
            names = sorted({**reference.categories.counts, **current.categories.counts})
            sides = [[column.categories.counts.get(name, 0) for name in names] for column in (reference, current)]
        else:
            sides = [np.add.reduceat(c.numbers.counts, range(0, 2048, 64)) for c in (reference, current)]
        p, q = (np.sqrt(np.asarray(side) / np.sum(side)) for side in sides)
        return float(np.sqrt(np.sum((p - q) ** 2) / 2))


class Returns:
    kinds, threshold = ("number", "category"), 0.5

    def __init__(self, value):
        self.value = value

    def compare(self, reference, current):
        return self.value


class Raises(Returns):
    def compare(self, reference, current):
        raise RuntimeError("no bins")


hellinger, raises = Hellinger(), Raises(None)
nan, none, negative, infinite = Returns(math.nan), Returns(None), Returns(-0.1), Returns(math.inf)
unsure, sure = Returns(DriftEffect(0.9, p_value=0.5)), Returns(DriftEffect(0.9, p_value=1e-9, description="far apart"))
no_p = Returns(DriftEffect(0.9, p_value=math.nan))
no_kinds, no_threshold, no_method = Returns(1), Returns(1), object()
no_kinds.kinds, no_threshold.threshold = ("text",), 0
"""


@pytest.fixture
def acme(installed_entry_point: Any) -> str:
    """The module of the methods; its ``hellinger`` is also an entry point."""
    path: str = installed_entry_point(DRIFT_METHODS, "hellinger", "hellinger", ACME)
    return path.partition(":")[0]


def checked(policy: Any, *, shift: float = 0.0, rows: int = 4_000) -> Report:
    """Check a number ``x`` and a category ``c``, of which ``x`` moves by some standard deviations."""
    rng = np.random.default_rng(3)
    sides = [pl.DataFrame({"x": rng.normal(move, 1, rows), "c": rng.choice(["a", "b"], rows)}) for move in (0, shift)]
    reference = profile(sides[0])
    return check_drift(reference, profile(sides[1], like=reference), policy)


def only(report: Report, where: str = "x") -> Check:
    (check,) = [check for check in report.checks if check.where == where]
    return check


@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("for_all", [True, False])
def test_it_measures_a_column_or_all(by_name: bool, for_all: bool, acme: str) -> None:
    name = "hellinger" if by_name else f"{acme}:hellinger"
    policy: dict[str, Any] = {"columns": {"x": {"method": name, "numeric_threshold": 0.2}}}
    if for_all:
        policy = {"numeric_method": name, "categorical_method": name, "numeric_threshold": 0.2}
    check = only(report := checked(policy, shift=1.0))
    assert (check.status, check.observed["method"], check.expected[name]) == ("fail", name, "< 0.2")
    assert check.observed["effect"] == pytest.approx(0.34, abs=0.03)
    assert f"({name} 0.3" in check.message
    assert only(report, "c").expected.get(name) == ("< 0.05" if for_all else None)
    assert only(checked(policy)).status == "pass"


def test_without_a_threshold_in_the_policy_that_of_the_method_counts(acme: str) -> None:
    method = {"columns": {"x": {"method": "hellinger"}}}
    assert only(checked(method, shift=0.4)).expected["hellinger"] == "< 0.05"
    assert only(checked({**method, "numeric_threshold": 0.3}, shift=0.4)).expected["hellinger"] == "< 0.3"
    assert "hellinger" not in only(checked({**method, "numeric_threshold": None}, shift=0.4)).expected


@pytest.mark.parametrize(("method", "status"), [("unsure", "pass"), ("sure", "fail"), ("infinite", "fail")])
def test_its_own_p_value_decides_with_the_effect(method: str, status: str, acme: str) -> None:
    report = checked({"numeric_method": f"{acme}:{method}", "categorical_method": f"{acme}:{method}"}, shift=0.2)
    assert [only(report, name).status for name in "xc"] == [status, status]
    assert ("far apart" in only(report).message) == (method == "sure")


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("raises", "failed: RuntimeError: no bins"),
        ("none", "failed: TypeError"),
        ("nan", "returned nan"),
        ("negative", "returned -0.1"),
        ("no_p", "returned the p-value nan"),
    ],
)
def test_a_method_that_measures_nothing_is_inconclusive_by_name(method: str, message: str, acme: str) -> None:
    name = f"{acme}:{method}"
    report = checked({"numeric_method": name, "categorical_method": name})
    for where in "xc":
        check = only(report, where)
        assert check.status == "inconclusive"
        assert f"the drift method {name} {message}" in check.message
    assert report.verdict == "inconclusive"


def test_other_drift_of_its_column_still_fails(acme: str) -> None:
    reference = profile(pl.DataFrame({"c": ["a", "b"] * 500}))
    current = profile(pl.DataFrame({"c": ["a", "z"] * 500}), like=reference)
    check = only(check_drift(reference, current, {"categorical_method": f"{acme}:nan"}), "c")
    assert check.status == "fail"
    assert check.message.endswith(f"the drift method {acme}:nan returned nan")


def test_a_column_of_another_kind_is_inconclusive() -> None:
    check = only(checked({"columns": {"c": {"method": "ks"}}}), "c")
    assert check.status == "inconclusive"
    assert check.message == "the drift method ks does not apply to columns of kind category"


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"numeric_method": "hellingr"}, "did you mean 'hellinger'"),
        ({"numeric_method": "chisquare"}, "chisquare applies to columns of kind category, bool only"),
        ({"columns": {"x": {"method": "acme_extension:Hellinger"}}}, "it is a class; name an object of it"),
        ({"columns": {"x": {"method": "acme_extension:no_method"}}}, "it has no kinds"),
        ({"columns": {"x": {"method": "acme_extension:no_kinds"}}}, "its kinds are"),
        ({"columns": {"x": {"method": "acme_extension:no_threshold"}}}, "its threshold is 0"),
        ({"preset": "evidently", "columns": {"x": {"method": "ks"}}}, "chooses the methods itself"),
    ],
)
def test_what_is_no_method_is_an_error_in_the_policy(policy: dict[str, Any], message: str, acme: str) -> None:
    with pytest.raises(BadInput, match=message):
        DriftPolicy.load(policy)


def test_built_in_methods_read_no_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = replace(DRIFT_METHODS)
    monkeypatch.setattr(drift_methods, "DRIFT_METHODS", fresh)
    monkeypatch.setattr(drift_policy, "DRIFT_METHODS", fresh)
    monkeypatch.setattr(importlib.metadata, "entry_points", None)
    assert only(checked({"numeric_method": "psi", "columns": {"c": {"method": "chisquare"}}})).status == "pass"
    assert "_entry_points" not in fresh.__dict__
