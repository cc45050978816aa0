"""Concept drift is told apart from drift of the data and from a broken source, and is not told by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Report
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.drift.concept import check_concept_drift, relate
from airflow_mlops.core.drift.concept.concept_policy import ConceptPolicy
from airflow_mlops.core.drift.data import check_drift

FEATURES = ["x0", "x1", "x2"]


def chance(x: np.ndarray) -> np.ndarray:
    """The model: right about the world as it was, but for a little."""
    return np.asarray(1 / (1 + np.exp(0.7 - 1.1 * x[:, 0] + 0.8 * x[:, 1])))


def world(rng: np.random.Generator, n: int, change: str = "none") -> pl.DataFrame:
    """Rows with three inputs, the model's score and the label that came true."""
    x = rng.normal(size=(n, 3))
    if change == "covariate":
        x[:, 0] += 0.6
        x[:, 1] *= 1.3
    logit = -0.7 + 1.1 * x[:, 0] - 0.8 * x[:, 1] + 0.1 * x[:, 2] ** 2
    label = rng.random(n) < 1 / (1 + np.exp(-logit))
    if change == "flip":
        label = np.where(rng.random(n) < 0.2, ~label, label)
    if change == "reversed":
        label = rng.random(n) < 1 / (1 + np.exp(0.7 + 1.1 * x[:, 0] + 0.8 * x[:, 1]))
    seen = x.copy()
    if change == "broken":
        seen[:, 0] = 0.0
    if change == "emptied":
        seen[:, 0] = np.nan
    columns = {name: seen[:, i] for i, name in enumerate(FEATURES)}
    return pl.DataFrame({**columns, "score": chance(np.nan_to_num(seen)), "label": label.astype(int)}).fill_nan(None)


def signals(reference: pl.DataFrame, current: pl.DataFrame) -> dict[str, str]:
    """Give the verdicts of the three checks."""
    data, scores = profile(reference.select(FEATURES)), profile(reference.select("score"))
    relation = relate(reference, label="label", score="score", features=FEATURES)
    return {
        "data": check_drift(data, profile(current.select(FEATURES), like=data)).verdict,
        "scores": check_drift(scores, profile(current.select("score"), like=scores)).verdict,
        "concept": check_concept_drift(relation, relate(current, label="label", score="score", like=relation)).verdict,
    }


@pytest.mark.parametrize(
    ("change", "data", "concept"),
    [
        ("none", "pass", "pass"),
        ("covariate", "fail", "pass"),
        ("flip", "pass", "fail"),
        ("reversed", "pass", "fail"),
        ("broken", "fail", "inconclusive"),
        ("emptied", "fail", "inconclusive"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_each_change_raises_its_own_signal_and_no_other(change: str, data: str, concept: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = signals(world(rng, 10_000), world(rng, 4_000, change))
    assert (found["data"], found["concept"]) == (data, concept)
    assert found["scores"] == ("pass" if data == "pass" else "fail")


def check(reference: pl.DataFrame, current: pl.DataFrame, policy: Any = None, **options: Any) -> Report:
    relation = relate(reference, label="label", score="score", **options)
    return check_concept_drift(relation, relate(current, label="label", score="score", like=relation), policy)


def test_streams_without_drift_are_quiet() -> None:
    fired = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        fired += check(world(rng, 2_000), world(rng, 600), features=FEATURES).verdict == "fail"
    assert fired <= 3


def test_a_broken_feature_is_named() -> None:
    rng = np.random.default_rng(0)
    report = check(world(rng, 5_000), world(rng, 5_000, "emptied"), features=FEATURES)
    assert "x0 is broken upstream" in report.checks[0].message
    assert "missing 0% -> 100%" in report.checks[0].message


def test_a_failure_says_what_changed_and_where() -> None:
    rng = np.random.default_rng(0)
    report = check(world(rng, 10_000), world(rng, 10_000, "reversed"), features=FEATURES)
    failed = {(c.name, c.where): c for c in report.failed}
    assert ("calibration", None) in failed
    assert ("relation", "x0") in failed
    assert ("relation", "x2") not in failed
    observed = failed["relation", "x0"].observed
    assert " to " in observed["strata"][0]["stratum"]
    assert observed["strata"][0]["label_current"] > observed["strata"][0]["label_reference"]
    assert Report.from_dict(report.to_dict()).verdict == "fail"


def test_labels_that_became_rarer_at_the_same_scores_fail_by_level() -> None:
    rng = np.random.default_rng(0)
    now = world(rng, 10_000)
    fewer = now.with_columns(label=pl.when(pl.Series(rng.random(10_000) < 0.3)).then(0).otherwise("label"))
    report = check(world(rng, 10_000), fewer)
    (level,) = [c for c in report.failed if c.name == "level"]
    assert "lower" in level.message


def test_rare_labels_are_judged_by_their_own_spread() -> None:
    rng = np.random.default_rng(0)

    def fraud(factor: float) -> pl.DataFrame:
        score = rng.beta(1, 60, 40_000)
        return pl.DataFrame({"score": score, "label": (rng.random(40_000) < score * factor).astype(int)})

    assert check(fraud(1), fraud(2)).verdict == "fail"
    assert check(fraud(1), fraud(1)).verdict == "pass"


def test_a_regression_is_judged_in_units_of_its_label() -> None:
    rng = np.random.default_rng(0)

    def demand(shift: float, unit: float) -> pl.DataFrame:
        score = rng.gamma(4, 10, 5_000) * unit
        return pl.DataFrame({"score": score, "label": score + unit * rng.normal(shift, 8, 5_000)})

    for unit in (1e-3, 1e6):
        assert check(demand(0, unit), demand(0, unit)).verdict == "pass"
        assert check(demand(0, unit), demand(5, unit)).verdict == "fail"


def test_classes_are_judged_by_how_often_each_is_wrong() -> None:
    rng = np.random.default_rng(0)

    def classes(wrong: float) -> pl.DataFrame:
        said = rng.choice(["a", "b", "c"], 6_000)
        true = np.where((rng.random(6_000) < wrong) & (said == "b"), "c", said)
        return pl.DataFrame({"score": said, "label": true})

    assert check(classes(0.1), classes(0.1)).verdict == "pass"
    report = check(classes(0.1), classes(0.5))
    assert report.verdict == "fail"
    assert "most at b" in next(c for c in report.failed if c.name == "calibration").message


def test_rows_that_belong_together_count_as_one() -> None:
    fired = {True: 0, False: 0}
    for seed in range(25):
        rng = np.random.default_rng(seed)

        def days(first: int, rng: np.random.Generator = rng) -> pl.DataFrame:
            customers = world(rng, 250).with_columns(who=pl.Series(range(first, first + 250)))
            return pl.concat([customers] * 20)

        for known in fired:
            cluster = {"cluster": "who"} if known else {}
            policy = {"min_rows": 100}
            fired[known] += check(days(0), days(1000), policy, features=FEATURES, **cluster).verdict == "fail"
    assert fired[True] <= 2
    assert fired[False] > 10


def test_too_few_labels_or_scores_elsewhere_are_not_judged_and_never_a_pass() -> None:
    rng = np.random.default_rng(0)
    reference = world(rng, 5_000)
    assert check(reference, world(rng, 150)).verdict == "inconclusive"
    unlabelled = world(rng, 5_000).with_columns(label=pl.lit(None, dtype=pl.Int64))
    assert check(reference, unlabelled).verdict == "inconclusive"
    low = reference.filter(pl.col("score") < 0.3)
    elsewhere = check(low, world(rng, 5_000).filter(pl.col("score") > 0.29))
    assert elsewhere.verdict == "inconclusive"
    assert "of the rows have scores in the range of the reference" in elsewhere.checks[0].message
    always = reference.with_columns(label=pl.lit(1))
    assert "all labels of the reference are the same" in check(always, reference).checks[0].message


def test_the_policy_can_leave_features_out_and_only_warn() -> None:
    rng = np.random.default_rng(0)
    pair = world(rng, 10_000), world(rng, 10_000, "reversed")
    report = check(*pair, {"feature_effect_threshold": None, "severity": "warn"}, features=FEATURES)
    assert report.verdict == "warn"
    assert {c.where for c in report.checks} == {None}
    assert "x0" not in {c.where for c in check(*pair, {"ignore": ["x0"]}, features=FEATURES).checks}
    with pytest.raises(BadInput, match="did you mean 'effect_threshold'"):
        ConceptPolicy.load({"efect_threshold": 0.1})
    with pytest.raises(BadInput, match="'effect' was renamed to 'effect_threshold'"):
        ConceptPolicy.load({"effect": 0.1})


def test_relations_over_other_strata_are_refused() -> None:
    rng = np.random.default_rng(0)
    a, b = (relate(world(rng, 500), label="label", score="score") for _ in range(2))
    with pytest.raises(BadInput, match="like="):
        check_concept_drift(a, b)
