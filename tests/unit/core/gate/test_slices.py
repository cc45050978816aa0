"""Slices: worse in one of them is refused and named, too small is never silently passed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.gate import Evidence, GatePolicy, decide
from airflow_mlops.core.gate.policy import SlicePolicy
from airflow_mlops.core.gate.slices import check_slices, small_slice_reason, split_by_value

POLICY = GatePolicy(slices=SlicePolicy())


def sliced(both: tuple[Evidence, Evidence], **columns: Any) -> tuple[Evidence, Evidence]:
    champion, challenger = (replace(e, slices=columns) for e in both)
    return champion, challenger


def worse_where(challenger: Evidence, rows: Any) -> Evidence:
    """The same challenger, but upside down in some rows."""
    return replace(challenger, scores=np.where(rows, 1 - challenger.scores, challenger.scores))


@pytest.fixture
def regions() -> Any:
    return np.array(["north", "south", "east", "west"])[np.arange(4000) % 4]


def test_better_overall_and_worse_in_one_slice_is_not_promoted_and_the_slice_is_named(pair: Any, regions: Any) -> None:
    champion, challenger = sliced(pair(0, 4000, 0.5, 1.5), region=regions)
    assert decide(champion, challenger, POLICY).decision == "promote"
    small = np.where(np.arange(4000) % 20 == 0, "island", regions)  # 200 rows
    champion, challenger = sliced((champion, worse_where(challenger, small == "island")), region=small)
    report = decide(champion, challenger, POLICY)
    assert report.decision == "reject"
    assert [c.name for c in report.failed] == ["slice region=island"]
    assert report.facts["gain"]["low"] > 0  # better overall
    (failed,) = report.failed
    assert failed.observed["rows"] == 200
    assert failed.observed["challenger"] < failed.observed["champion"]
    assert "after Holm over 5 slices" in failed.message


def test_a_slice_of_twelve_rows_is_not_judged_and_named_aloud(pair: Any, regions: Any) -> None:
    regions = np.where(np.arange(4000) < 12, "island", regions)
    champion, challenger = sliced(pair(0, 4000, 0.5, 1.5), region=regions)
    challenger = worse_where(challenger, regions == "island")
    for rules, decision, verdict in (
        ("warn", "promote", "warn"),
        ("hold", "hold", "warn"),
        ("reject", "reject", "fail"),
    ):
        policy = GatePolicy(slices=SlicePolicy(inconclusive=rules))
        report = decide(champion, challenger, policy)
        assert (report.decision, report.verdict) == (decision, verdict)
        (small,) = [c for c in report.checks if c.status == "inconclusive"]
        assert (small.name, small.message) == ("slice region=island", "12 rows")
        assert "region=island (12 rows)" in report.summary()


def test_a_hold_for_a_small_slice_needs_a_proven_gain(pair: Any) -> None:
    policy = GatePolicy(slices=SlicePolicy(inconclusive="hold"))
    champion, challenger = sliced(pair(0, 2000, 1.5, 0.5), tiny=np.r_[["a"] * 12, ["b"] * 1988])
    assert decide(champion, challenger, policy).decision == "reject"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (np.tile([0.0, 1.0], 6), "12 rows"),
        (np.ones(500), "one class"),
        ((np.arange(500) < 9).astype(float), "9 rows of the second class"),
        ((np.arange(500) < 10).astype(float), ""),
    ],
)
def test_what_is_too_small_says_why(target: Any, why: str) -> None:
    assert small_slice_reason(target, True, 100, 10) == why


def test_of_values_there_are_no_classes_to_count() -> None:
    assert small_slice_reason(np.ones(100), False, 100, 10) == ""


def test_a_loss_that_the_policy_allows_is_not_refused(pair: Any, regions: Any) -> None:
    champion, challenger = sliced(pair(3, 4000, 1.0, 0.8), region=regions)
    strict = {c.name for c in check_slices(champion, challenger, POLICY) if c.status == "fail"}
    lenient = GatePolicy(slices=SlicePolicy(maximum_loss=0.3))
    assert strict
    assert all(c.status == "pass" for c in check_slices(champion, challenger, lenient))


def test_more_slices_ask_for_more_certainty(pair: Any) -> None:
    champion, challenger = pair(6, 4000, 1.0, 1.0)
    where = np.arange(4000) % 10 == 0
    challenger = replace(challenger, scores=np.where(where, 0.8 * challenger.scores + 0.05, challenger.scores))
    noise = np.random.default_rng(0)
    columns = {f"c{i}": noise.integers(0, 4, 4000) for i in range(8)}
    few, many = (
        {c.name: c.observed for c in check_slices(*sliced((champion, challenger), **of), POLICY)}
        for of in ({"at": where}, {"at": where, **columns})
    )
    assert few["slice at=True"]["p_value"] == many["slice at=True"]["p_value"]
    assert few["slice at=True"]["p_adjusted"] <= many["slice at=True"]["p_adjusted"]


def test_an_equal_challenger_is_seldom_refused_over_twenty_slices(pair: Any) -> None:
    refused = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        columns = {f"c{i}": rng.integers(0, 5, 2000) for i in range(4)}
        checks = check_slices(*sliced(pair(seed, 2000, 1.0, 1.0), **columns), POLICY)
        refused += any(c.status == "fail" and c.severity == "error" for c in checks)
    assert refused <= 10  # at most 3 of 60 are expected; more than 10 has a chance of one in two thousand


def test_slices_that_the_policy_asks_for_and_the_evidence_lacks_block(pair: Any, regions: Any) -> None:
    both = pair(0, 4000, 0.5, 1.5)
    report = decide(*both, POLICY)
    assert report.decision == "blocked"
    assert "has no slices" in report.failed[0].message
    asked = GatePolicy(slices=SlicePolicy(columns=("region", "plan")))
    report = decide(*sliced(both, region=regions), asked)
    assert report.decision == "blocked"
    assert "no slices plan" in report.failed[0].message


def test_slices_that_the_evidence_has_are_judged_though_the_policy_says_nothing_of_them(
    pair: Any, regions: Any
) -> None:
    champion, challenger = sliced(pair(0, 4000, 0.5, 1.5), region=regions)
    challenger = worse_where(challenger, regions == "north")
    assert "slice region=north" in {c.name for c in decide(champion, challenger, GatePolicy()).failed}


def test_a_slice_column_of_another_length_blocks(pair: Any) -> None:
    champion, challenger = pair(0, 400, 0.5, 1.5)
    report = decide(champion, replace(challenger, slices={"region": np.array(["a"])}), GatePolicy())
    assert report.decision == "blocked"


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["a", "b", "ü", ""]), min_size=0, max_size=30))
def test_slices_part_the_rows(values: list[str]) -> None:
    found = split_by_value("c", np.array(values, dtype=str))
    assert sorted(int(r) for _, rows in found for r in rows) == list(range(len(values)))
    for name, rows in found:
        assert {f"c={values[r]}" for r in rows} == {name}
