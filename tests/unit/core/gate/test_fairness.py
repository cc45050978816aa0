"""Fairness: gaps are held against the policy's bounds, and a group that is too small or not there never passes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.report import Check
from airflow_mlops.core.gate import Evidence, GatePolicy, decide
from airflow_mlops.core.gate.fairness import check_fairness, group_rates, largest_gap


def policy(**rules: Any) -> GatePolicy:
    return GatePolicy(fairness={"sex": {"demographic_parity": 0.1, "equalised_odds": 0.1, **rules}})


def biased(pair: Any, shift: float, women: int = 2000) -> tuple[Evidence, Evidence]:
    """A better challenger whose scores are higher for women by a shift."""
    champion, challenger = pair(0, 4000, 0.5, 1.5)
    sex = np.where(np.arange(4000) < women, "f", "m")
    scores = np.clip(challenger.scores + shift * (sex == "f"), 0, 1)
    return champion, replace(challenger, scores=scores, groups={"sex": sex})


def by_rule(checks: list[Check]) -> dict[str, Check]:
    return {str(c.expected).split(" <=")[0]: c for c in checks if c.name == "fairness sex"}


def test_gaps_within_the_bounds_promote_and_say_what_was_seen(pair: Any) -> None:
    report = decide(*biased(pair, 0.0), policy())
    assert report.decision == "promote"
    parity = by_rule(list(report.checks))["demographic parity"]
    assert parity.observed["low"] <= parity.observed["gap"] <= parity.observed["high"]
    assert set(parity.observed) >= {"rate of f", "rate of m"}


def test_a_gap_above_its_bound_rejects_and_names_the_attribute(pair: Any) -> None:
    report = decide(*biased(pair, 0.3), policy())
    assert report.decision == "reject"
    assert {c.name for c in report.failed} == {"fairness sex"}
    assert "demographic parity: a gap of" in " ".join(c.message for c in report.failed)


def test_it_holds_for_the_first_champion_too(pair: Any) -> None:
    assert decide(None, biased(pair, 0.3)[1], policy()).decision == "reject"


def test_an_attribute_that_the_evidence_lacks_blocks(pair: Any) -> None:
    champion, challenger = pair(0, 4000, 0.5, 1.5)
    report = decide(champion, challenger, policy())
    assert report.decision == "blocked"
    assert "no groups of sex" in report.failed[0].message


@pytest.mark.parametrize(("rule", "decision"), [("warn", "promote"), ("hold", "hold"), ("reject", "reject")])
def test_a_group_with_too_few_rows_is_told_and_left_out(pair: Any, rule: Any, decision: str) -> None:
    champion, challenger = biased(pair, 0.9, women=20)
    sex = challenger.groups["sex"].copy()
    sex[:2000:2] = "x"
    sex[:20] = "f"
    challenger = replace(challenger, groups={"sex": sex})
    report = decide(champion, challenger, policy(inconclusive=rule))
    assert report.decision == decision
    assert any("sex=f (20 rows)" in c.message for c in report.checks)


def test_with_one_group_alone_nothing_is_judged_and_that_is_said(pair: Any) -> None:
    champion, challenger = biased(pair, 0.9, women=20)
    report = decide(champion, challenger, policy())
    assert report.verdict == "warn"
    assert {c.status for c in by_rule(list(report.checks)).values()} == {"inconclusive"}


def test_odds_are_asked_of_each_class(pair: Any) -> None:
    _, challenger = biased(pair, 0.0)
    few = challenger.target * (np.arange(4000) % 300 == 0)
    target = np.where(challenger.groups["sex"] == "f", few, challenger.target)
    checks = by_rule(check_fairness(replace(challenger, target=target), policy()))
    assert checks["demographic parity"].status == "pass"
    assert checks["equalised odds"].status == "inconclusive"


def test_of_several_classes_each_counts() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 600).astype(float)
    groups = np.where(np.arange(600) % 2 == 0, "a", "b")
    scores = np.eye(3)[np.where(groups == "a", 0, target.astype(int))]  # all of group a are taken for the first class
    gap = largest_gap(groups, ["a", "b"], group_rates(target, scores, 0.5)["demographic parity"])
    assert float(gap(np.ones((1, 600)))[0]) == pytest.approx(1 - (target[groups == "b"] == 0).mean(), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=4, max_size=60))
def test_gaps_are_what_counting_gives(rows: list[tuple[bool, bool, bool]]) -> None:
    group, actual, decided = (np.array(c) for c in zip(*rows, strict=True))
    rates = group_rates(actual.astype(float), decided.astype(float), 0.5)

    def share(hits: Any, among: Any) -> float:
        return float(hits[among].mean()) if among.any() else float("nan")

    expected = abs(share(decided, group) - share(decided, ~group))
    gap = float(largest_gap(group, [True, False], rates["demographic parity"])(np.ones((1, len(rows))))[0])  # type: ignore[list-item]
    assert gap == pytest.approx(expected, nan_ok=True)
    expected = max(abs(share(decided, group & side) - share(decided, ~group & side)) for side in (actual, ~actual))
    gap = float(largest_gap(group, [True, False], rates["equalised odds"])(np.ones((1, len(rows))))[0])  # type: ignore[list-item]
    if not np.isnan(gap):
        assert gap == pytest.approx(expected)
