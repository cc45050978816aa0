"""Floors, budgets and self-tests: each speaks for itself, and none for another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.gate import Evidence, GatePolicy, decide
from airflow_mlops.core.gate.decision import block
from airflow_mlops.core.gate.policy import BUDGET_FACTS, SlicePolicy

RNG = np.random.default_rng(0)
TARGET = (RNG.random(1000) < 0.3).astype(float)
OLD, NEW = (np.clip(TARGET * s + 0.3 + 0.2 * RNG.normal(size=1000), 0.01, 0.99) for s in (0.1, 0.5))
FORTUNES = {"bytes": 10_000_000.0, "predict_ms_p95": 3.0, "memory_mb": 80.0, "train_seconds": 4.0}


def challenger(**other: Any) -> Evidence:
    return Evidence(**{**sound("m v2", NEW), "facts": FORTUNES, **other})


def sound(subject: str, scores: Any) -> dict[str, Any]:
    keys = np.arange(1000)
    return {"subject": subject, "snapshot": "s", "keys": keys, "target": TARGET, "scores": scores, "seen_rows": 0}


CHAMPION = Evidence(**sound("m v1", OLD))


def test_of_a_forest_ten_times_larger_only_the_size_rule_fails() -> None:
    policy = GatePolicy(
        floors={"roc_auc": 0.6, "log_loss": 0.7},
        budgets={"bytes": 1_000_000, "predict_ms_p95": 10, "memory_mb": 200, "train_seconds": 60},
        slices=SlicePolicy(),
        fairness={"sex": {"demographic_parity": 0.2}},
        predictions={"max_shift": 2},
        self_tests="required",
    )
    columns = {"slices": {"region": np.arange(1000) % 2}, "groups": {"sex": np.arange(1000) % 2}}
    report = decide(CHAMPION, challenger(self_tests={"reload": "pass"}, **columns), policy)
    assert report.decision == "reject"
    assert [c.name for c in report.failed] == ["budget bytes"]
    assert report.failed[0].message == "bytes 1e+07 is over the budget of 1e+06"


@pytest.mark.parametrize("name", BUDGET_FACTS)
@pytest.mark.parametrize("value", [None, "nan", float("nan"), float("inf"), True, "12"])
def test_whatever_was_not_measured_is_over_any_budget(name: str, value: Any) -> None:
    report = decide(None, challenger(facts={name: value}), GatePolicy(budgets={name: 1e300}))
    assert report.decision == "reject"
    assert report.failed[0].message == f"{name} was not measured"


def test_a_floor_says_how_sure_its_value_is() -> None:
    report = decide(None, challenger(), GatePolicy(floors={"roc_auc": 0.6}))
    (floor,) = [c for c in report.checks if c.name == "floor roc_auc"]
    assert floor.observed["low"] < floor.observed["value"] < floor.observed["high"]
    assert floor.observed["rows"] == 1000


def test_constant_scores_are_refused_even_where_the_champion_is_worse_than_chance() -> None:
    upside_down = replace(CHAMPION, scores=1 - NEW)
    report = decide(upside_down, challenger(scores=np.full(1000, 0.3)), GatePolicy())
    assert report.facts["gain"]["low"] > 0
    assert report.decision == "reject"
    assert [c.name for c in report.failed] == ["scores vary"]
    assert decide(None, challenger(scores=np.full(1000, 0.3)), GatePolicy()).decision == "reject"


@pytest.mark.parametrize(
    ("tests", "asked", "decision"),
    [
        (None, "if_present", "promote"),
        (None, "required", "blocked"),
        ({}, "required", "blocked"),
        ({"reload": "pass"}, "required", "promote"),
        ({"reload": "fail"}, "if_present", "reject"),
        ({"reload": "pass", "dtype": "fail"}, "required", "reject"),
        ({"reload": "error"}, "if_present", "reject"),  # whatever that means
        ({"reload": "pass", "dtype": "inconclusive"}, "required", "promote"),
        ({"reload": "inconclusive", "dtype": "inconclusive"}, "required", "blocked"),
        ({"reload": "inconclusive", "dtype": "inconclusive"}, "if_present", "promote"),
    ],
)
def test_self_tests_decide_as_the_policy_says(tests: Any, asked: Any, decision: str) -> None:
    report = decide(CHAMPION, challenger(self_tests=tests), GatePolicy(self_tests=asked))
    assert report.decision == decision
    if decision == "reject":
        assert report.failed[0].name.startswith("model test ")


def test_a_self_test_that_could_not_be_judged_is_said_aloud() -> None:
    report = decide(CHAMPION, challenger(self_tests={"dtype": "inconclusive", "reload": "pass"}), GatePolicy())
    assert (report.decision, report.verdict) == ("promote", "warn")
    assert "dtype" in report.summary()


def test_a_decision_can_be_taken_back_and_says_why() -> None:
    report = block(decide(CHAMPION, challenger(), GatePolicy()), "model tests of these files", "of other files")
    assert (report.decision, report.verdict) == ("blocked", "fail")
    assert report.failed[0].message == "of other files"


limits = st.sampled_from([None, "kept", "broken"])


@settings(max_examples=40, deadline=None)
@given(floor=limits, size=limits, speed=limits, test=limits, region=limits)
def test_bounds_are_independent_each_that_is_broken_is_named_and_no_other(
    floor: Any, size: Any, speed: Any, test: Any, region: Any
) -> None:
    def given_as(limit: Any, name: str, kept: float, broken: float) -> dict[str, float]:
        return {} if limit is None else {name: kept if limit == "kept" else broken}

    policy = GatePolicy(
        resamples=50,
        floors=given_as(floor, "roc_auc", 0.6, 0.9999),
        budgets=given_as(size, "bytes", 2e7, 1.0) | given_as(speed, "predict_ms_p95", 5.0, 1.0),
    )
    tests = None if test is None else {"reload": "pass" if test == "kept" else "fail"}
    scores, slices = NEW, {}
    if region is not None:
        north = np.arange(1000) % 4 == 0
        slices = {"region": np.where(north, "north", "south")}
        scores = np.where(north & (region == "broken"), 1 - NEW, NEW)
    report = decide(CHAMPION, challenger(scores=scores, slices=slices, self_tests=tests), policy)
    broken = {
        name
        for name, limit in {
            "floor roc_auc": floor,
            "budget bytes": size,
            "budget predict_ms_p95": speed,
            "model test reload": test,
            "slice region=north": region,
        }.items()
        if limit == "broken"
    }
    assert {c.name for c in report.failed} == broken
    assert report.decision == ("reject" if broken else "promote")
