"""One gate for classes and for values, and words of its own for each way in which evidence is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.gate import GatePolicy, decide
from airflow_mlops.core.metrics import METRICS, get_metric


def scored(name: str, rows: int = 1500) -> tuple[Any, Any, Any]:
    """Targets, and the scores of a bad model and of a good one."""
    rng, task = np.random.default_rng(0), get_metric(name).task
    noise = rng.normal(size=(rows, 3))
    if task == "multiclass":
        target = rng.integers(0, 3, rows)
        logits = (strength * np.eye(3)[target] + noise for strength in (0.3, 2.0))
        return target.astype(float), *(np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in logits)
    if task == "regression":
        target = 10 + noise[:, 0]
        quantile = {"pinball_10": -1.28, "pinball_90": 1.28}.get(name, 0.0)
        return target, *(target + size * (noise[:, 1] + quantile) for size in (2.0, 0.5))
    target = (rng.random(rows) < 0.5).astype(float)
    apart = np.array([0.3, 2.0])
    bad, good = (1 / (1 + np.exp(-a * (a * (2 * target - 1) / 2 + noise[:, 0]))) for a in apart)
    if name == "calibration_error":
        bad = good**3
    return target, bad, good


@pytest.mark.parametrize("name", sorted(METRICS))
def test_whichever_way_a_metric_runs_the_better_model_is_promoted_and_the_worse_is_not(name: str, of: Any) -> None:
    target, bad, good = scored(name)
    policy = GatePolicy(metric=name)
    report = decide(of(target, bad), of(target, good), policy)
    assert report.decision == "promote", report.summary()
    assert report.facts["gain"]["value"] == pytest.approx(
        get_metric(name).gain(report.facts["values"]["challenger"][name], report.facts["values"]["champion"][name])
    )
    assert decide(of(target, good), of(target, bad), policy).decision == "reject"
    assert decide(of(target, good), of(target, good.copy()), policy).decision == "reject"


@pytest.mark.parametrize("name", sorted(METRICS))
def test_the_order_of_the_rows_changes_no_digit_of_the_report_whatever_decides(name: str, of: Any) -> None:
    rng, (target, bad, good) = np.random.default_rng(3), scored(name, 700)
    rows, task = 700, get_metric(name).task
    clusters, region, sex = rng.integers(0, 200, rows), rng.choice(list("abc"), rows), rng.choice(["f", "m"], rows)
    policy = GatePolicy(
        metric=name,
        floors={m: -9 if METRICS[m].direction == "higher" else 1e9 for m in METRICS if METRICS[m].task == task},
        fairness={} if task == "regression" else {"sex": {"demographic_parity": 1, "equalised_odds": 1}},
        predictions={"max_shift": 9, "min_correlation": -1},
        slices={"min_rows": 50},
    )

    def told(order: Any) -> str:
        columns = {"slices": {"region": region[order]}, "groups": {"sex": sex[order]}, "clusters": clusters[order]}
        champion, challenger = (of(target[order], s[order], keys=order, **columns) for s in (bad, good))
        return replace(decide(champion, challenger, policy), id="-", created_at="-").to_json()

    as_they_came = told(np.arange(rows))
    assert all(told(rng.permutation(rows)) == as_they_came for _ in range(3))


def test_a_champion_that_knows_another_number_of_classes_blocks_and_says_so(of: Any) -> None:
    target, bad, good = scored("f1_macro")
    report = decide(of(target, np.c_[bad, bad[:, :1] * 0]), of(target, good), GatePolicy(metric="f1_macro"))
    assert report.decision == "blocked"
    assert "different numbers of classes" in report.summary()


WORDS = {
    "no rows": "the test set is empty",
    "too few": "too few gate rows: 150, at least 200 are required",
    "one class": "all gate rows are of one class",
    "few positives": "only 5 gate rows are of the second class, at least 20",
    "no scores": "there are no scores",
    "NaN scores": "3 scores and 0 targets are missing or not finite",
    "NaN targets": "0 scores and 1 targets are missing",
    "other shape": "not that of 1500 rows of a binary task",
    "other coding": "the targets are not the numbers of 2 classes",
    "seen": "7 gate rows are in this model's training",
    "not known what was seen": "it is not known which rows this model was trained on",
    "no probabilities": "log_loss has no finite value",
}


@pytest.mark.parametrize("case", WORDS)
def test_each_way_of_missing_evidence_has_words_of_its_own_and_never_promotes(case: str, of: Any) -> None:
    target, bad, good = scored("log_loss")
    sound = of(target, good)
    first = np.arange(1500)
    broken = {
        "no rows": lambda: of(target[:0], good[:0]),
        "too few": lambda: of(target[:150], good[:150]),
        "one class": lambda: replace(sound, target=np.ones(1500)),
        "few positives": lambda: replace(sound, target=(first < 5).astype(float)),
        "no scores": lambda: replace(sound, scores=good[:0]),
        "NaN scores": lambda: replace(sound, scores=np.where(first < 3, np.nan, good)),
        "NaN targets": lambda: replace(sound, target=np.where(first < 1, np.nan, target)),
        "other shape": lambda: replace(sound, scores=np.c_[good, good]),
        "other coding": lambda: replace(sound, target=target + 1),
        "seen": lambda: replace(sound, seen_rows=7),
        "not known what was seen": lambda: replace(sound, seen_rows=None),
        "no probabilities": lambda: replace(sound, scores=good + 1),
    }[case]()
    policy = GatePolicy(metric="log_loss")
    for champion in (of(target, bad), None):
        report = decide(champion, broken, policy)
        assert report.decision == "blocked"
        assert WORDS[case] in report.summary()


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(METRICS)),
    where=st.integers(0, 299),
    what=st.sampled_from(["target", "scores"]),
    side=st.sampled_from(["champion", "challenger"]),
    value=st.sampled_from([np.nan, np.inf, -np.inf]),
)
def test_a_value_that_is_not_finite_anywhere_never_promotes(
    name: str, where: int, what: str, side: str, value: float
) -> None:
    from airflow_mlops.core.gate import Evidence

    target, bad, good = scored(name, 300)

    def one(scores: Any, role: str) -> Evidence:
        columns = {"target": target.copy(), "scores": scores.copy()}
        if role == side:
            columns[what][where] = value
        return Evidence(subject=role, snapshot="s", keys=np.arange(300), seen_rows=0, **columns)

    assert decide(one(bad, "champion"), one(good, "challenger"), GatePolicy(metric=name)).decision == "blocked"


def test_a_gain_that_hangs_on_one_cluster_is_no_evidence(of: Any) -> None:
    target, bad, good = scored("roc_auc")
    clusters = np.zeros(1500)
    report = decide(of(target, bad, clusters=clusters), of(target, good, clusters=clusters), GatePolicy())
    assert report.decision == "blocked"
    assert "depends on so few rows" in report.failed[0].message


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(["roc_auc", "f1", "log_loss"]), more=st.floats(0, 0.2))
def test_who_asks_for_more_promotes_no_more(seed: int, name: str, more: float) -> None:
    from airflow_mlops.core.gate import Evidence

    rng = np.random.default_rng(seed)
    target = (rng.random(400) < 0.4).astype(float)
    old, new = (np.clip(0.5 + s * (target - 0.5) + 0.2 * rng.normal(size=400), 0.01, 0.99) for s in (0.3, 0.38))
    champion, challenger = (
        Evidence(subject="m", snapshot="s", keys=np.arange(400), target=target, scores=s, seen_rows=0)
        for s in (old, new)
    )

    def promoted(**rules: Any) -> bool:
        return decide(champion, challenger, GatePolicy(metric=name, **rules)).decision == "promote"

    lenient = promoted(confidence=0.9)
    assert promoted(confidence=0.975) <= lenient
    assert promoted(confidence=0.9, minimum_gain=more) <= lenient
    assert promoted(confidence=0.9, floors={name: 0.5}) <= lenient
