"""Confidence-based performance estimation (CBPE): an estimate of performance from scores alone, without labels.

If a score of 0.3 means three positives in ten, the scores determine the expected hits and misses: each row counts as
a positive with its probability, and as a negative with the complement. NannyML named the method; Garg and others
(2022, "Leveraging unlabeled data to predict out-of-distribution performance") study the same problem. Scores are first
calibrated on the rows of the version's evaluation (Platt 1999, on the log-odds of the score).

The estimate detects rows that moved to where the model is less certain. It cannot detect a changed relation between
rows and labels, as nothing can without labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from airflow_mlops.common.policy import load_section
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.drift.concept import LabelRelation
from airflow_mlops.core.metrics import Array, get_metric
from airflow_mlops.core.monitoring.performance import PerformancePolicy, expected_metric, input_ids, version_of
from airflow_mlops.core.scoring import SCORE_COLUMN
from airflow_mlops.core.scoring.scores import Scores
from airflow_mlops.store import baselines, windows
from airflow_mlops.store.database import Database

KIND = "performance_estimate"
_DRAWS = 200
_MAX_ROWS = 10_000
_MAX_ITERATIONS = 50
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """The calibration of scores: log-odds of the probability are ``shift + slope * log-odds of the score``.

    :param covariance: the 2 x 2 covariance of shift and slope.
    """

    shift: float
    slope: float
    covariance: Array

    @classmethod
    def of(cls, relation: LabelRelation) -> ScoreCalibration | None:
        """Fit the calibration to labels and scores by stratum; return ``None`` when it is not identified.

        Maximum likelihood by Newton's method (Platt 1999), weighted by rows.
        """
        strata = relation.score
        occupied = strata.rows > 0
        rows, labels = strata.rows[occupied], strata.labels[occupied]
        if relation.task != "binary" or len(rows) < 2 or not 0 < labels.sum() < rows.sum():
            return None
        x = _log_odds((strata.labels - strata.residuals)[occupied] / rows)
        design = np.column_stack([np.ones_like(x), x])
        beta, hessian = np.array([0.0, 1.0]), np.eye(2)
        for _ in range(_MAX_ITERATIONS):
            probability = _sigmoid(design @ beta)
            hessian = (design * (rows * probability * (1 - probability))[:, None]).T @ design + _EPSILON * np.eye(2)
            step = np.linalg.solve(hessian, design.T @ (labels - rows * probability))
            beta = beta + np.clip(step, -2, 2)
            if np.abs(step).max() < 1e-9:
                break
        return cls(float(beta[0]), float(beta[1]), np.linalg.inv(hessian)) if np.isfinite(beta).all() else None

    def probabilities(self, scores: Array) -> Array:
        """Return the probability of each score."""
        return _sigmoid(self.shift + self.slope * _log_odds(scores))


@dataclass(frozen=True, slots=True)
class PerformanceEstimate:
    """An estimated metric with its interval.

    :param value: the estimate.
    :param low: the lower end of the interval in which the metric of such labels lies, calibration error included.
    :param high: the upper end.
    :param positives: the expected number of positives.
    """

    value: float
    low: float
    high: float
    positives: float


def estimate_metric(
    name: str, scores: Array, calibration: ScoreCalibration, *, confidence: float = 0.95
) -> PerformanceEstimate:
    """Estimate a binary classification metric from scores alone.

    :param name: a metric of the task, such as ``roc_auc`` or ``log_loss``.
    :param scores: n scores between 0 and 1.
    :param confidence: of the two-sided interval.
    """
    scores = np.asarray(scores, float)
    probabilities = calibration.probabilities(scores)
    return PerformanceEstimate(
        _expected_value(name, scores, probabilities),
        *_interval(name, scores, calibration, confidence),
        probabilities.sum(),
    )


def _expected_value(name: str, scores: Array, probabilities: Array) -> float:
    """Compute the metric of rows that are positive with their probability and negative otherwise."""
    target = np.repeat([1.0, 0.0], len(scores))
    weighted_metric = get_metric(name).prepare(target, np.tile(scores, 2))
    return float(weighted_metric(np.concatenate([probabilities, 1 - probabilities])))


def _interval(name: str, scores: Array, calibration: ScoreCalibration, confidence: float) -> tuple[float, float]:
    """Simulate labels under draws of the calibration; of many rows, a sample whose deviations are shrunk."""
    rng = np.random.default_rng(0)
    sample = scores if len(scores) <= _MAX_ROWS else rng.choice(scores, _MAX_ROWS, replace=False)
    shrink = math.sqrt(len(sample) / len(scores)) if len(scores) else 1.0
    betas = rng.multivariate_normal([calibration.shift, calibration.slope], calibration.covariance, _DRAWS)
    estimated_metric, x, values = get_metric(name), _log_odds(sample), []
    for shift, slope in betas:
        probabilities = _sigmoid(shift + slope * x)
        mean = _expected_value(name, sample, probabilities)
        simulated = estimated_metric.value((rng.random(len(sample)) < probabilities).astype(float), sample)
        values.append(mean + shrink * (simulated - mean))
    finite = np.array([v for v in values if math.isfinite(v)])
    if len(finite) < _DRAWS // 2:
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def check_estimate(
    database: Database, scores: Scores, *, model: str, policy: str | Mapping[str, Any] | None = None
) -> Report:
    """Estimate the performance of a partition's predictions before their labels arrive, and record the window.

    :param policy: the path of a ``policy.yaml`` with a ``performance`` section, or its content.
    :return: a report of kind ``performance_estimate``; ``inconclusive`` when the version's scores have no calibration,
        or when the last labels have shown that the calibration is no longer valid.
    :raises BadInput: when the scores are of more than one version.
    """
    rules = load_section(PerformancePolicy, policy, "performance")
    version, partition = version_of(scores), scores.ref.partition or scores.ref.id
    expected = expected_metric(database, model, version, rules.metric)
    result, facts = _estimate_check(database, scores, model, version, partition, rules, expected)
    report = Report.from_checks(KIND, f"{model} v{version} {partition}", [result], facts={**facts, "is_estimate": True})
    window = windows.WindowResult(
        model=model,
        version=version,
        kind=KIND,
        partition=partition,
        verdict=report.verdict,
        value=facts.get("value"),
        rows=scores.ref.rows,
        inputs=input_ids(scores=scores),
    )
    windows.record(database, window, report)
    return report


def _estimate_check(
    database: Database,
    scores: Scores,
    model: str,
    version: int,
    partition: str,
    policy: PerformancePolicy,
    expected: float | None,
) -> tuple[Check, dict[str, Any]]:
    name = f"estimated {policy.metric}"
    if reason := _inconclusive_reason(database, model, version, partition, policy, scores.ref.rows):
        return Check(name, "inconclusive", message=reason), {}
    baseline = baselines.get(database, model, version, "relation") or {}
    calibration = ScoreCalibration.of(LabelRelation.from_dict(baseline))
    if calibration is None:
        return Check(name, "inconclusive", message="the scores are not probabilities of a binary target"), {}
    scores_column = scores.to_pandas([SCORE_COLUMN])[SCORE_COLUMN].to_numpy(dtype=float)
    if not np.isfinite(scores_column).all():
        return Check(name, "inconclusive", message="some scores are missing or not finite"), {}
    estimated = estimate_metric(policy.metric, scores_column, calibration, confidence=policy.confidence)
    facts: dict[str, Any] = {"metric": policy.metric, "low": estimated.low, "high": estimated.high}
    facts["value"] = estimated.value if math.isfinite(estimated.value) else None
    facts |= {"expected": expected, "rows": len(scores_column), "expected_positives": estimated.positives}
    return _compare(name, policy, estimated, expected), facts


def _compare(name: str, policy: PerformancePolicy, estimated: PerformanceEstimate, expected: float | None) -> Check:
    observed = {"value": estimated.value, "low": estimated.low, "high": estimated.high}
    interval = f"{estimated.low:.3f} to {estimated.high:.3f}"
    message = f"{policy.metric} is estimated at {estimated.value:.3f} ({interval}), without labels"
    if expected is None or not np.isfinite([expected, estimated.value, estimated.low, estimated.high]).all():
        message = f"{message}; no expected value to compare with"
        return Check(name, "inconclusive", observed=observed, message=message)
    m = get_metric(policy.metric)
    best_case = estimated.high if m.direction == "higher" else estimated.low
    worse = -float(m.gain(best_case, expected)) > policy.tolerance
    expectation = f"{expected:.4f} within {policy.tolerance:g}"
    return Check(
        name, "fail" if worse else "pass", "warn", observed, expectation, None, f"{message}; expected {expected:.3f}"
    )


def _inconclusive_reason(
    database: Database, model: str, version: int, partition: str, policy: PerformancePolicy, rows: int
) -> str | None:
    """Return why no estimate is possible; None when it is."""
    metric = get_metric(policy.metric)
    if metric.task != "binary":
        return f"{policy.metric} is not a binary classification metric, so it cannot be estimated from scores alone"
    if metric.integer_weights:
        return f"the function of {policy.metric} has no sample_weight, so it cannot be estimated from scores alone"
    baseline = baselines.get(database, model, version, "relation")
    if baseline is None or "reason" in baseline:
        return "no calibration is recorded for its scores: evaluate the version with EvaluateModelOperator"
    if rows < policy.min_rows:
        return f"{rows} predictions are too few; min_rows is {policy.min_rows}"
    past = [w for w in windows.of_model(database, model, "concept_drift", version=version) if w.partition < partition]
    if past and past[-1].verdict == "fail":
        return f"the labels of {past[-1].partition} show that the calibration is no longer valid: wait for labels"
    return None


def _sigmoid(log_odds: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -40, 40))))


def _log_odds(scores: Array) -> Array:
    inside = np.clip(np.asarray(scores, float), _EPSILON, 1 - _EPSILON)
    return np.asarray(np.log(inside / (1 - inside)))
