"""The gate: what is not proven better, or not known, never becomes champion."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Report
from airflow_mlops.core.gate import Evidence, GatePolicy, decide
from airflow_mlops.core.gate.gain import estimate_paired_gain
from airflow_mlops.core.metrics import get_metric

QUICK = GatePolicy(resamples=200)  # the fewest: what is asked of the gate has to hold there too


def evidence(target: Any, scores: Any, subject: str = "m v2", **other: Any) -> Evidence:
    given_facts = {"seen_rows": 0, "snapshot": "s", "keys": np.arange(len(target)), **other}
    return Evidence(subject=subject, target=np.asarray(target), scores=np.asarray(scores), **given_facts)


def pair(seed: int, rows: int, champion: float, challenger: float, *, shared: float = 0.9) -> tuple[Evidence, Evidence]:
    """Two models on the same rows: score = strength * class + noise, of which the models share a part.

    With unit noise the AUC is Phi(strength / sqrt(2)): 1.0 gives 0.760, 1.05 gives 0.771, 1.1 gives 0.782.
    """
    rng = np.random.default_rng(seed)
    y = (rng.random(rows) < 0.3).astype(float)
    common = np.sqrt(shared) * rng.normal(size=rows)
    old, new = (
        strength * y + common + np.sqrt(1 - shared) * rng.normal(size=rows) for strength in (champion, challenger)
    )
    return evidence(y, old, "m v1"), evidence(y, new)


def decisions(seeds: range, rows: int, champion: float, challenger: float, **how: float) -> list[str]:
    return [str(decide(*pair(s, rows, champion, challenger, **how), QUICK).decision) for s in seeds]


# Mirrors: what it has to let through, and what not.


def test_a_challenger_that_is_worse_by_one_point_of_auc_is_never_promoted() -> None:
    assert "promote" not in decisions(range(40), 2000, 1.05, 1.0)


def test_an_equal_challenger_is_promoted_no_more_often_than_the_policy_says() -> None:
    promoted = decisions(range(200), 2000, 1.0, 1.0, shared=0.5).count("promote")
    assert promoted <= 13  # 5 of 200 are expected at 2.5 %; more than 13 has a chance of one in a thousand


def test_identical_scores_are_never_promoted() -> None:
    for seed in range(5):
        champion, _ = pair(seed, 2000, 1.0, 1.0)
        assert decide(champion, replace(champion, subject="m v2"), QUICK).decision == "reject"


def test_a_planted_gain_of_two_to_three_points_of_auc_is_promoted() -> None:
    champion, challenger = pair(0, 200_000, 1.0, 1.11)
    gain = get_metric("roc_auc").value(challenger.target, challenger.scores) - get_metric("roc_auc").value(
        champion.target, champion.scores
    )
    assert 0.02 <= gain <= 0.03
    assert decisions(range(40), 5000, 1.0, 1.11).count("promote") >= 36


def test_the_bounds_of_the_gain_hold_the_true_gain_as_often_as_they_say() -> None:
    policy, true_gain = QUICK.model_copy(update={"metric": "mae", "confidence": 0.95}), 0.1
    above = below = 0
    for seed in range(300):
        old, new = np.random.default_rng(seed).normal(size=(2, 300))
        champion, challenger = evidence(old * 0, old + 9 + true_gain), evidence(old * 0, new + 9)
        low, high = estimate_paired_gain(champion, challenger, policy).bounds(policy.confidence)
        above += low > true_gain
        below += high < true_gain
    assert above / 300 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert below / 300 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert above + below > 5  # and are not simply far too wide


def test_a_gain_that_is_sure_but_below_the_minimum_is_rejected() -> None:
    champion, challenger = pair(1, 20_000, 1.0, 1.11)
    assert decide(champion, challenger, GatePolicy(resamples=200)).decision == "promote"
    assert decide(champion, challenger, GatePolicy(resamples=200, minimum_gain=0.05)).decision == "reject"


def test_copies_of_the_same_customers_are_no_more_evidence_than_the_customers() -> None:
    champion, challenger = pair(3, 300, 1.0, 1.08)

    def copied(e: Evidence, clusters: Any) -> Evidence:
        return evidence(np.tile(e.target, 30), np.tile(e.scores, 30), e.subject, clusters=clusters)

    customers = np.tile(np.arange(300), 30)
    policy = GatePolicy()
    alone, naive, honest = (
        estimate_paired_gain(*both, policy).bounds(policy.confidence)[0]
        for both in (
            (champion, challenger),
            (copied(champion, None), copied(challenger, None)),
            (copied(champion, customers), copied(challenger, customers)),
        )
    )
    assert naive > alone + 0.01
    assert honest == pytest.approx(alone, abs=0.001)


# What is not known blocks.


def broken() -> dict[str, Any]:
    y = np.tile([0.0, 1.0], 250)
    p = np.linspace(0, 1, 500)
    nan, inf, neg = p.copy(), p.copy(), p.copy()
    nan[3], inf[3], neg[3] = np.nan, np.inf, -np.inf
    hole = y.copy()
    hole[0] = np.nan
    good = evidence(y, p)
    return {
        "nan score": replace(good, scores=nan),
        "inf score": replace(good, scores=inf),
        "-inf score": replace(good, scores=neg),
        "missing target": replace(good, target=hole),
        "other coding": replace(good, target=y + 1),
        "one class": replace(good, target=np.ones(500)),
        "nearly one class": replace(good, target=(np.arange(500) < 19).astype(float)),
        "too few rows": evidence(y[:199], p[:199]),
        "no rows": evidence(y[:0], p[:0]),
        "score missing": replace(good, scores=p[:499]),
        "key missing": replace(good, keys=np.arange(499)),
        "no keys": replace(good, keys=np.array([])),
        "a row twice": replace(good, keys=np.r_[np.arange(499), 0]),
        "cluster missing": replace(good, clusters=np.arange(499)),
        "one seen": replace(good, seen_rows=1),
        "seen not known": replace(good, seen_rows=None),
    }


@pytest.mark.parametrize("case", broken())
@pytest.mark.parametrize("side", ["challenger", "champion", "both", "alone"])
def test_evidence_that_is_not_sound_blocks_on_either_side(case: str, side: str) -> None:
    bad, good = broken()[case], evidence(np.tile([0.0, 1.0], 250), np.tile([0.2, 0.8], 250))
    champion = {"challenger": good, "champion": bad, "both": bad, "alone": None}[side]
    challenger = good if side == "champion" else bad
    report = decide(champion, challenger, QUICK)
    assert report.decision == "blocked"
    assert report.verdict == "fail"
    assert report.failed[0].message
    json.loads(report.to_json())


@pytest.mark.parametrize(
    "other",
    [
        {"keys": np.arange(500)[::-1]},
        {"snapshot": "another"},
        {"target": np.tile([1.0, 0.0], 250)},
    ],
    ids=["other rows", "other snapshot", "other targets"],
)
def test_models_that_were_not_scored_on_the_same_rows_block(other: dict[str, Any]) -> None:
    y = np.tile([0.0, 1.0], 250)
    challenger, champion = evidence(y, y * 0.9), evidence(y, np.full(500, 0.5))
    assert decide(champion, challenger, QUICK).decision == "promote"
    report = decide(replace(champion, **other), challenger, QUICK)
    assert report.decision == "blocked"
    assert [c.name for c in report.failed] == ["same rows"]


def test_a_regression_asks_for_no_classes() -> None:
    y = np.linspace(0, 10, 500)
    policy = QUICK.model_copy(update={"metric": "rmse"})
    assert decide(evidence(y, y + 1.0), evidence(y, y + 0.1), policy).decision == "promote"


def test_an_unknown_metric_is_an_error_of_the_policy() -> None:
    with pytest.raises(BadInput, match="'gini' is not a known metric"):
        GatePolicy.load({"metric": "gini"})


# Floors, budgets, the first champion, approval.

BETTER = pair(7, 3000, 0.6, 1.2)


@pytest.mark.parametrize(
    ("rules", "promoted"),
    [
        ({}, True),
        ({"floors": {"roc_auc": 0.7}}, True),
        ({"floors": {"roc_auc": 0.95}}, False),
        ({"floors": {"log_loss": 1e-9}}, False),
        ({"floors": {"roc_auc": float("nan")}}, False),
        ({"budgets": {"bytes": 100}}, True),
        ({"budgets": {"bytes": 99}}, False),
        ({"budgets": {"train_seconds": 10}}, False),  # not measured
        ({"budgets": {"predict_ms_p50": 10}}, False),  # NaN
        ({"budgets": {"memory_mb": 10}}, False),  # NaN as the store gives it back
        ({"budgets": {"load_seconds": 10}}, False),
        ({"budgets": {"bytes": float("nan")}}, False),
    ],
)
@pytest.mark.parametrize("first", [False, True], ids=["challenger", "first champion"])
def test_a_broken_floor_or_budget_rejects_and_is_named(rules: dict[str, Any], promoted: bool, first: bool) -> None:
    facts: dict[str, Any] = {"bytes": 100, "predict_ms_p50": float("nan"), "memory_mb": "nan"}
    facts["load_seconds"] = float("inf")
    report = decide(None if first else BETTER[0], replace(BETTER[1], facts=facts), GatePolicy(resamples=200, **rules))
    assert report.decision == (("promote_first" if first else "promote") if promoted else "reject")
    if not promoted:
        (failed,) = report.failed
        assert next(iter(next(iter(rules.values())))) in failed.name


UNSURE = pair(1, 2000, 1.0, 1.01)  # better as seen, but far from proven
WORSE = pair(5, 2000, 1.2, 0.6)


@pytest.mark.parametrize(
    ("approval", "sure", "unsure", "worse", "first"),
    [
        ("never", "promote", "reject", "reject", "promote_first"),
        ("when_held", "promote", "hold", "reject", "promote_first"),
        ("always", "hold", "hold", "reject", "hold"),
    ],
)
def test_approval_holds_what_a_person_has_to_say_and_nothing_else(
    approval: Any, sure: str, unsure: str, worse: str, first: str
) -> None:
    policy = QUICK.model_copy(update={"approval": approval})
    assert decide(*BETTER, policy).decision == sure
    assert decide(*UNSURE, policy).decision == unsure
    assert decide(*WORSE, policy).decision == worse
    assert decide(None, BETTER[1], policy).decision == first


def test_the_unsure_pair_is_what_it_is_meant_to_be() -> None:
    gain = estimate_paired_gain(*UNSURE, QUICK)
    assert gain.value > 0 > gain.bounds(QUICK.confidence)[0]


@pytest.mark.parametrize("approval", ["when_held", "always"])
def test_no_person_can_be_asked_to_wave_a_broken_bound_through(approval: Any) -> None:
    policy = GatePolicy(resamples=200, approval=approval, budgets={"bytes": 1})
    assert decide(*BETTER, policy).decision == "reject"
    assert decide(None, BETTER[1], policy).decision == "reject"


# The same evidence, the same word.


def told(report: Report) -> str:
    return replace(report, id="-", created_at="-").to_json()


def test_the_same_evidence_gives_the_same_report_to_the_byte() -> None:
    assert told(decide(*BETTER, QUICK)) == told(decide(*BETTER, QUICK))


@pytest.mark.parametrize("clustered", [False, True])
def test_the_order_of_the_rows_changes_nothing(clustered: bool) -> None:
    champion, challenger = pair(11, 800, 1.0, 1.05)
    if clustered:
        champion, challenger = (replace(e, clusters=np.arange(800) // 3) for e in (champion, challenger))
    original = told(decide(champion, challenger, QUICK))
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(800)

        def moved(e: Evidence, order: Any = order) -> Evidence:
            return replace(
                e,
                keys=e.keys[order],
                target=e.target[order],
                scores=e.scores[order],
                clusters=None if e.clusters is None else e.clusters[order],
            )

        assert told(decide(moved(champion), moved(challenger), QUICK)) == original


def test_the_report_says_both_models_values_and_the_gain_with_its_bounds() -> None:
    facts = decide(*BETTER, QUICK).facts
    assert facts["champion"] == "m v1"
    assert facts["gain"]["low"] < facts["gain"]["value"] < facts["gain"]["high"]
    values = facts["values"]
    assert facts["gain"]["value"] == pytest.approx(values["challenger"]["roc_auc"] - values["champion"]["roc_auc"])


# Whatever comes in.

score = st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.8, 0.9, 1.0]) | st.floats(0, 1)
strange = st.sampled_from([np.nan, np.inf, -np.inf, 2.0, -1.0])
sides = st.lists(st.tuples(st.integers(0, 1), score, score), min_size=2, max_size=40)


@settings(max_examples=150, deadline=None)
@given(
    rows=sides,
    odd=st.none() | st.tuples(st.sampled_from(["target", "champion", "challenger"]), strange),
    seen=st.sampled_from([0, 0, 0, 1, None]),
    name=st.sampled_from(["roc_auc", "brier", "log_loss", "accuracy"]),
    minimum=st.sampled_from([0.0, 0.05]),
    approval=st.sampled_from(["never", "when_held", "always"]),
    floor=st.sampled_from([None, 0.3, 0.9]),
    budget=st.sampled_from([None, 1.0, 3.0]),
    first=st.booleans(),
)
def test_whatever_the_evidence_a_promotion_means_that_all_was_proven(
    rows: Any, odd: Any, seen: Any, name: str, minimum: float, approval: Any, floor: Any, budget: Any, first: bool
) -> None:
    columns = dict(
        zip(("target", "champion", "challenger"), (np.array(c, float) for c in zip(*rows, strict=True)), strict=True)
    )
    if odd is not None:
        columns[odd[0]][0] = odd[1]
    policy = GatePolicy(
        metric=name,
        minimum_gain=minimum,
        approval=approval,
        resamples=200,
        min_rows=4,
        min_positives=1,
        floors={} if floor is None else {"roc_auc": floor},
        budgets={} if budget is None else {"bytes": budget},
    )
    champion = evidence(columns["target"], columns["champion"], "m v1")
    challenger = evidence(columns["target"], columns["challenger"], seen_rows=seen, facts={"bytes": 2.0})
    report = decide(None if first else champion, challenger, policy)
    Report.from_dict(json.loads(report.to_json()))
    if report.decision in ("promote", "promote_first"):
        assert seen == 0
        assert report.verdict == "pass"
        assert all(c.status == "pass" for c in report.checks)
        assert np.isfinite(columns["target"]).all()
        assert np.isfinite(columns["challenger"]).all()
        assert approval != "always"
        assert budget != 1.0
    if report.decision == "promote":
        assert not first
        assert report.facts["gain"]["low"] > minimum
        assert np.isfinite(columns["champion"]).all()
        m = get_metric(name)
        assert (
            m.gain(m.value(columns["target"], columns["challenger"]), m.value(columns["target"], columns["champion"]))
            > minimum - 1e-9
        )
    if report.decision == "promote_first":
        assert first


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 1.5), st.floats(0.3, 1.5))
def test_two_models_cannot_both_be_better_than_the_other(seed: int, one: float, other: float) -> None:
    assume(abs(one - other) < 0.8)
    first, second = pair(seed, 300, one, other)
    there, back = decide(first, second, QUICK).decision, decide(second, first, QUICK).decision
    assert not (there == "promote" and back == "promote")
