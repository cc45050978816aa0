"""A metric of one's own, the profit of a campaign, from training to monitoring and the model card."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.evaluation.options import EvaluationOptions
from airflow_mlops.core.evaluation.overfitting import overfitting_check
from airflow_mlops.core.metrics import Metric
from airflow_mlops.core.metrics.catalogue import METRIC_EXTENSIONS
from airflow_mlops.core.model_card.inputs import CardInputs
from airflow_mlops.core.model_card.performance import metrics_section, overfitting_section
from airflow_mlops.core.model_tests import ModelUnderTest
from airflow_mlops.core.model_tests.learning import better_than_a_constant
from airflow_mlops.core.monitoring.estimate import ScoreCalibration, estimate_metric
from airflow_mlops.core.monitoring.performance import PerformancePolicy, expected_metric, performance_report
from airflow_mlops.core.training.fit import Candidate, TrainingJob, select_challenger, train
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.core.training.tuning.tune import tune

PROFIT, BROKEN = "acme_campaign:profit", "acme_campaign:broken"


def mean_profit(target: Any, scores: Any) -> float:
    return float(np.mean((scores >= 0.5) * (10 * target - 6)))


def weighted_profit(target: Any, scores: Any, sample_weight: Any) -> float:
    return float(np.average((scores >= 0.5) * (10 * target - 6), weights=sample_weight))


def failing(target: Any, scores: Any) -> float:
    raise KeyError("price list")


@pytest.fixture(autouse=True)
def _campaign(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = ModuleType("acme_campaign")
    for name, function in (("profit", mean_profit), ("weighted", weighted_profit), ("broken", failing)):
        setattr(module, name, Metric.from_function(name, function, direction="higher", task="binary"))
    monkeypatch.setitem(sys.modules, "acme_campaign", module)
    yield
    METRIC_EXTENSIONS._loaded.clear()


def test_it_selects_a_candidate_in_training_and_in_tuning(told: Any) -> None:
    parts = {name: told.root.open(told.data[name]) for name in ("train", "validation")}

    def trained(name: str, metric: str, **params: Any) -> Any:
        candidate = Candidate(name, LogisticRegression, ["x"], "y", metric, params)
        return train(told.client, told.database, candidate, TrainingJob(**parts, experiment="e", key=name))

    refs = [trained("weak", PROFIT, C=1e-6), trained("strong", PROFIT)]
    assert select_challenger(refs).candidate == "strong"
    assert {ref.metric for ref in refs} == {PROFIT}
    run = told.client.get_run(refs[1].run_id)
    assert run.data.metrics[f"validation_{PROFIT}"] == pytest.approx(refs[1].score)
    tuning = Tuning.load({"space": {"C": [1e-6, 1.0]}, "method": "grid", "folds": 2})
    candidate, job = (
        Candidate("t", LogisticRegression, ["x"], "y", PROFIT),
        TrainingJob(**parts, experiment="e", key="t"),
    )
    tuned = tune(told.client, told.database, candidate, tuning, job)
    assert told.client.get_run(tuned.run_id).data.params["param.C"] == "1.0"
    with pytest.raises(BadInput, match="the function of the metric 'broken' failed: KeyError: 'price list'"):
        trained("broken", BROKEN)


def test_it_is_evaluated_gated_monitored_and_shown_on_the_card(told: Any) -> None:
    _, challenger = told.pair()
    options = EvaluationOptions(slices=["region"], importance=True, train_sample=300)
    evaluation = told.evaluated(challenger, PROFIT, asked=options)
    facts = evaluation.facts["roles"]["challenger"]
    low, high = facts["intervals"][PROFIT]
    assert low < facts["metrics"][PROFIT] < high
    assert "roc_auc" in facts["metrics"]
    assert facts["importance"][0][0] == "x"
    slices = [c for c in evaluation.checks if c.name == PROFIT and str(c.where).startswith("slice region=")]
    assert [c.observed["gain"] > 0 and c.observed["low"] < c.observed["gain"] for c in slices] == [True, True]
    gate = told.decided(challenger, evaluation, metric=PROFIT, floors={PROFIT: 0.0})
    assert gate.decision == "promote"
    assert gate.facts["gain"]["low"] > 0
    assert gate.facts["values"]["challenger"][PROFIT] == facts["metrics"][PROFIT]
    card = CardInputs("m", 2, challenger.digest, "r", "c", evaluation=evaluation)
    text = str(metrics_section(card)) + str(overfitting_section(card))
    assert f"{PROFIT} ↑" in text


def test_the_gate_can_use_it_when_the_evaluation_used_another_metric(told: Any) -> None:
    _, challenger = told.pair()
    evaluation = told.evaluated(challenger)
    assert told.decided(challenger, evaluation, metric=PROFIT).decision == "promote"
    assert told.decided(challenger, evaluation, metric=BROKEN).decision == "blocked"
    gate = told.decided(challenger, evaluation, floors={PROFIT: 0.0})
    assert gate.facts["values"]["challenger"][PROFIT] > 0  # so that monitoring has an expected value


def test_a_broken_metric_is_an_error_of_the_evaluation(told: Any) -> None:
    challenger = told.model("strong", LogisticRegression())
    with pytest.raises(BadInput, match="the function of the metric 'broken' failed"):
        told.evaluated(challenger, BROKEN)


def test_an_alias_is_evaluated_and_gated_under_its_name(told: Any) -> None:
    _, challenger = told.pair()
    evaluation = told.evaluated(challenger, "average_precision")
    assert evaluation.facts["metric"] == "pr_auc"
    assert told.decided(challenger, evaluation, metric="average_precision").facts["metric"] == "pr_auc"
    assert Candidate("c", "m:f", ["x"], "y", "neg_log_loss").metric == "log_loss"
    assert PerformancePolicy(metric="neg_brier_score").metric == "brier"


def labelled(rows: int, strength: float) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    y = (rng.random(rows) < 0.4).astype(float)
    return pd.DataFrame({"y": y, "score": 1 / (1 + np.exp(-(strength * (2 * y - 1) + rng.normal(size=rows))))})


def monitored(frame: pd.DataFrame, metric: str, expected: float) -> Report:
    policy = PerformancePolicy(metric=metric, tolerance=0.1)
    return performance_report(frame, policy, target="y", expected=expected, subject="m v1")


def test_monitoring_compares_it_with_the_gate_and_a_broken_one_is_inconclusive() -> None:
    good, bad = labelled(1000, 1.5), labelled(1000, -0.5)
    expected = mean_profit(good["y"].to_numpy(), good["score"].to_numpy())
    assert monitored(good, PROFIT, expected).verdict == "pass"
    worse = monitored(bad, PROFIT, expected)
    assert worse.verdict == "fail"
    assert worse.facts["low"] < worse.facts["value"] < worse.facts["high"] < 0
    broken = monitored(good, BROKEN, expected)
    assert broken.verdict == "inconclusive"
    assert "the function of the metric 'broken' failed: KeyError" in broken.checks[0].message


def test_an_estimate_without_labels_needs_weights() -> None:
    calibration = ScoreCalibration(0.0, 1.0, np.diag([1e-4, 1e-4]))
    scores = np.random.default_rng(0).random(2000)
    estimated = estimate_metric("acme_campaign:weighted", scores, calibration)
    expected = np.mean((scores >= 0.5) * (10 * scores - 6))
    assert estimated.value == pytest.approx(expected)
    assert estimated.low < expected < estimated.high


def test_model_tests_compare_it_with_a_constant(told: Any) -> None:
    frame, held = told.frames["train"], told.frames["validation"]
    for model, metric, status in (
        (LogisticRegression(), PROFIT, "pass"),
        (LogisticRegression(C=1e-9), PROFIT, "fail"),
        (LogisticRegression(), BROKEN, "fail"),
    ):
        model.fit(frame[["x"]], frame["y"])
        subject = ModelUnderTest.from_model(model, held[["x"]], held["y"], metric=metric)
        assert better_than_a_constant(subject, subject.scorer.scores(subject.rows)).status == status


@pytest.mark.parametrize(
    ("train_value", "gate_value", "status"),
    [
        (3.0, 2.5, "pass"),
        (3.0, 1.5, "fail"),
        (3.0, -1.0, "fail"),
        (-1.0, -2.0, "inconclusive"),
        (0.0, 1.0, "inconclusive"),
    ],
)
def test_overfitting_of_a_profit_is_a_fall_by_a_ratio(train_value: float, gate_value: float, status: str) -> None:
    check: Check = overfitting_check(PROFIT, train_value, gate_value, "challenger")
    assert check.status == status
    assert math.isfinite((check.observed or {})["gap"])


def test_without_a_gate_that_used_it_monitoring_expects_nothing(told: Any) -> None:
    told.pair()
    assert expected_metric(told.database, "m", 1, PROFIT) is None
