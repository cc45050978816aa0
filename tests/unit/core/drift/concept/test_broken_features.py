"""A broken column is named, and does not hide a relation that has really changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.report import Report
from airflow_mlops.core.drift.concept import LabelRelation, check_concept_drift, relate
from airflow_mlops.core.drift.concept.broken_features import find_collapsed_features, find_shifted_features
from airflow_mlops.core.drift.concept.concept_policy import ConceptPolicy
from airflow_mlops.core.drift.concept.label_relation import Strata, StratumBins

FEATURES = ["income", "age", "visits", "noise"]
POLICY = ConceptPolicy()


def logit(x: dict[str, np.ndarray], together: float = 0.8, age: float = -0.5) -> np.ndarray:
    return np.asarray(1.1 * np.log(x["income"]) + age * x["age"] + together * x["age"] * x["visits"] - 0.4)


def world(seed: int, n: int = 5_000, *, amounts: bool = False, **change: Any) -> pl.DataFrame:
    """Draw rows whose model knows the truth, but only sees what was recorded."""
    rng = np.random.default_rng(seed)
    x = {name: rng.normal(size=n) for name in FEATURES}
    x["income"] = np.exp(0.7 * x["income"])
    for name in change.get("moved", ()):
        x[name] = x[name] + 1.0
    true = logit(x, change.get("together", 0.8), change.get("age", -0.5)) + change.get("raised", 0.0)
    label = true + rng.normal(size=n) if amounts else (rng.random(n) < 1 / (1 + np.exp(-true))).astype(int)
    if "times" in change:
        x["income"] = np.where(rng.random(n) < change.get("part", 1.0), x["income"] * change["times"], x["income"])
    seen = logit({**x, "income": np.maximum(x["income"], 0.05)})
    return pl.DataFrame({**x, "score": seen if amounts else 1 / (1 + np.exp(-seen)), "label": label})


def check(now: pl.DataFrame, policy: Any = None, *, amounts: bool = False, features: Any = FEATURES) -> Report:
    reference = relate(world(100, 10_000, amounts=amounts), label="label", score="score", features=features)
    return check_concept_drift(reference, relate(now, label="label", score="score", like=reference), policy)


@pytest.mark.parametrize("amounts", [False, True])
@pytest.mark.parametrize("change", [{"times": 2.54}, {"times": 0.0, "part": 0.5}, {"times": 12.0, "part": 0.6}])
def test_a_column_in_other_units_or_broken_in_part_is_named_and_the_relation_is_not_judged(
    change: dict[str, float], amounts: bool
) -> None:
    report = check(world(1, amounts=amounts, **change), amounts=amounts)
    assert report.verdict == "inconclusive"
    assert report.facts["broken"] == ["income"]
    (told,) = report.checks
    assert told.where == "income"
    assert told.message.startswith("income is broken upstream")
    assert "labels did not change" in told.message
    assert (
        check(world(1, amounts=amounts, **change), {"broken_threshold": 0.95}, amounts=amounts).facts.get("broken")
        is None
    )


def test_several_broken_columns_are_all_named() -> None:
    now = world(1).with_columns(income=pl.lit(0.0), visits=pl.lit(None, dtype=pl.Float64))
    report = check(now)
    assert report.facts["broken"] == ["income", "visits"]
    assert "; visits is broken upstream" in report.checks[0].message
    assert check(now, {"ignore": ["income"]}).facts["broken"] == ["visits"]


@pytest.mark.parametrize(
    "change",
    [
        {"moved": ["age"], "raised": 1.2},  # labels are others over all rows
        {"moved": ["noise"], "together": -0.8},  # over all rows and along each feature they are not, nor are scores
        {"times": 2.54, "age": 0.5},  # over all rows they are not, along another feature than what is broken they are
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_relation_that_changed_is_told_though_a_feature_moved_at_the_same_time(
    change: dict[str, Any], seed: int
) -> None:
    report = check(world(seed, **change))
    assert report.verdict == "fail"
    assert "broken" not in report.facts


@pytest.mark.parametrize("moved", [["income"], ["age"], ["noise"], ["age", "visits"], FEATURES])
def test_rows_that_moved_are_judged_and_no_column_is_blamed(moved: list[str]) -> None:
    report = check(world(2, moved=moved))
    assert report.verdict == "pass"
    assert "broken" not in report.facts


def test_where_more_features_moved_than_stayed_none_is_blamed() -> None:
    now = world(1, times=2.54).with_columns(noise=pl.col("noise") + 2, visits=pl.col("visits") * 3)
    assert check(now).verdict == "fail"


def test_of_features_that_are_left_out_none_is_blamed() -> None:
    assert check(world(1, times=2.54), {"ignore": ["income"]}).verdict == "fail"
    assert check(world(1, times=2.54), features=["age", "visits"]).verdict == "fail"


def test_of_classes_only_what_took_over_is_blamed() -> None:
    rng = np.random.default_rng(0)

    def plans(wrong: float, size: float) -> pl.DataFrame:
        said = rng.choice(["a", "b"], 4_000)
        true = np.where(rng.random(4_000) < wrong, np.where(said == "a", "b", "a"), said)
        return pl.DataFrame({"score": said, "label": true, "size": rng.normal(size=4_000) * size})

    reference = relate(plans(0.1, 1.0), label="label", score="score", features=["size"])
    verdicts = [
        check_concept_drift(reference, relate(plans(0.4, size), label="label", score="score", like=reference)).verdict
        for size in (1.0, 4.0, 0.0)
    ]
    assert verdicts == ["fail", "fail", "inconclusive"]


counts = st.lists(st.integers(0, 400), min_size=4, max_size=4).filter(lambda rows: sum(rows) > 0)


@st.composite
def relations(draw: st.DrawFn) -> tuple[LabelRelation, LabelRelation]:
    """Draw two relations over the same strata; every column has all of the rows. Often no label changed."""
    bins, made = StratumBins(edges=(0.0, 1.0)), []
    shares_of = draw(st.one_of(st.just(st.just(0.4)), st.just(st.floats(0.05, 0.95))))
    for _ in range(2):
        rows = draw(st.integers(200, 2_000))
        strata = {}
        for name in ("score", *FEATURES):
            shares = np.array(draw(counts), dtype=float)
            sizes = shares / shares.sum() * rows
            events = sizes * draw(shares_of)
            strata[name] = Strata(bins, sizes, events, events - sizes * 0.5, sizes * 0.25)
        score = strata.pop("score")
        made.append(LabelRelation("binary", rows, 0, score.labels.sum(), score.labels.sum(), score, strata))
    return made[0], made[1]


@settings(max_examples=150, deadline=None)
@given(pair=relations(), limit=st.floats(0.05, 0.9), ignored=st.sets(st.sampled_from(FEATURES)))
def test_only_features_that_moved_far_enough_are_blamed_and_never_most_of_them(
    pair: tuple[LabelRelation, LabelRelation], limit: float, ignored: set[str]
) -> None:
    reference, current = pair
    policy = ConceptPolicy(broken_threshold=limit, ignore=tuple(ignored))
    found = find_shifted_features(reference, current, policy, reference.label_std, (1.0, 1.0))
    assert 2 * len(found) <= len(FEATURES)
    assert not ignored & {*found, *find_collapsed_features(reference, current, policy)}
    for name in found:
        before, now = (side.features[name].rows / side.features[name].rows.sum() for side in pair)
        assert np.abs(before - now).sum() / 2 >= limit
    assert not find_shifted_features(reference, reference, policy, reference.label_std, (1.0, 1.0))
    assert not find_collapsed_features(reference, reference, policy)


@settings(max_examples=100, deadline=None)
@given(pair=relations(), order=st.permutations(FEATURES))
def test_who_is_blamed_does_not_depend_on_the_order_of_features(
    pair: tuple[LabelRelation, LabelRelation], order: list[str]
) -> None:
    turned = [replace(side, features={name: side.features[name] for name in order}) for side in pair]
    found = [find_shifted_features(*sides, POLICY, pair[0].label_std, (1.0, 1.0)) for sides in (pair, turned)]
    assert found[0] == found[1]
