"""An estimate of performance while no labels have come: from the scores alone. It is an estimate, never a measurement.

Where a score of 0.3 still means three positives in ten, the scores say themselves how many hits and misses there will
be: each row counts as a positive by its chance, and as a negative by the rest of it. That is what is called
confidence-based performance estimation (Garg and others 2022, "Leveraging unlabeled data to predict out-of-distribution
performance", look at the same question; NannyML gave the method its name). Scores are first calibrated by what they
meant on the rows of the version's evaluation (Platt 1999, on the log-odds of the score).

It sees when rows moved to where the model is less sure. It cannot see that the relation between rows and labels has
changed, as nothing can without labels: then it goes on telling what used to be true.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from airflow_mlops.core.data import Relation
from airflow_mlops.core.metrics import Array, metric
from airflow_mlops.core.monitoring.performance import PerformancePolicy, expected_of, inputs_of, version_of
from airflow_mlops.core.monitoring.scoring import SCORE
from airflow_mlops.core.monitoring.scoring.scores import Scores
from airflow_mlops.core.policy import load_section
from airflow_mlops.core.report import Check, Report
from airflow_mlops.store import baselines, windows
from airflow_mlops.store.database import Database

KIND = "performance_estimate"
DRAWS = 200
MOST_ROWS = 10_000
_STEPS = 50
_CLOSEST = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """What chances scores stand for: the log-odds are ``shift + slope * log-odds of the score``.

    :param covariance: of shift and slope: how well they are known, 2 x 2.
    """

    shift: float
    slope: float
    covariance: Array

    @classmethod
    def of(cls, relation: Relation) -> Calibration | None:
        """Fit it to how labels went with scores, stratum by stratum; ``None`` when that cannot be said.

        Maximum likelihood by Newton's steps (Platt 1999), weighted by rows.
        """
        strata = relation.score
        there = strata.rows > 0
        rows, labels = strata.rows[there], strata.labels[there]
        if relation.task != "binary" or len(rows) < 2 or not 0 < labels.sum() < rows.sum():
            return None
        x = _log_odds((strata.labels - strata.residuals)[there] / rows)
        design = np.column_stack([np.ones_like(x), x])
        beta, hessian = np.array([0.0, 1.0]), np.eye(2)
        for _ in range(_STEPS):
            chance = _chance(design @ beta)
            hessian = (design * (rows * chance * (1 - chance))[:, None]).T @ design + _CLOSEST * np.eye(2)
            step = np.linalg.solve(hessian, design.T @ (labels - rows * chance))
            beta = beta + np.clip(step, -2, 2)
            if np.abs(step).max() < 1e-9:
                break
        return cls(float(beta[0]), float(beta[1]), np.linalg.inv(hessian)) if np.isfinite(beta).all() else None

    def chances(self, scores: Array) -> Array:
        """Give the chance that each score stands for."""
        return _chance(self.shift + self.slope * _log_odds(scores))


@dataclass(frozen=True, slots=True)
class Estimated:
    """What a metric is expected to be.

    :param value: the estimate.
    :param low: the lower end of where the metric of such labels would lie, calibration's own error included.
    :param high: the upper end.
    :param positives: how many positives are expected.
    """

    value: float
    low: float
    high: float
    positives: float


def estimate(name: str, scores: Array, calibration: Calibration, *, confidence: float = 0.95) -> Estimated:
    """Estimate a metric of two classes from scores alone.

    :param name: any metric of the task, such as ``roc_auc`` or ``log_loss``.
    :param scores: n scores between 0 and 1.
    :param confidence: of the two-sided interval.
    """
    scores = np.asarray(scores, float)
    chances = calibration.chances(scores)
    return Estimated(_expected(name, scores, chances), *_ends(name, scores, calibration, confidence), chances.sum())


def _expected(name: str, scores: Array, chances: Array) -> float:
    """Give the metric of rows that are positive by their chance and negative by the rest of it."""
    target = np.repeat([1.0, 0.0], len(scores))
    figure = metric(name).prepare(target, np.tile(scores, 2))
    return float(figure(np.concatenate([chances, 1 - chances])))


def _ends(name: str, scores: Array, calibration: Calibration, confidence: float) -> tuple[float, float]:
    """Draw labels by the chances, these by how well the calibration is known; of many rows a sample, then shrunk."""
    rng = np.random.default_rng(0)
    sample = scores if len(scores) <= MOST_ROWS else rng.choice(scores, MOST_ROWS, replace=False)
    shrink = math.sqrt(len(sample) / len(scores)) if len(scores) else 1.0
    betas = rng.multivariate_normal([calibration.shift, calibration.slope], calibration.covariance, DRAWS)
    middle, x, values = metric(name), _log_odds(sample), []
    for shift, slope in betas:
        chances = _chance(shift + slope * x)
        center = _expected(name, sample, chances)
        drawn = middle.value((rng.random(len(sample)) < chances).astype(float), sample)
        values.append(center + shrink * (drawn - center))
    known = np.array([v for v in values if math.isfinite(v)])
    if len(known) < DRAWS // 2:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def check_estimate(
    database: Database, scores: Scores, *, model: str, policy: str | Mapping[str, Any] | None = None
) -> Report:
    """Estimate what a partition's predictions are worth before their labels come, and keep the window.

    :param policy: the path of a ``policy.yaml`` with a ``performance`` section, or its content.
    :return: a report of kind ``performance_estimate``; ``not_judged`` when the version's scores have no known meaning,
        or when the last labels have shown that they do not mean any more what they meant.
    :raises BadInput: when the scores are of more than one version.
    """
    rules = load_section(PerformancePolicy, policy, "performance")
    version, partition = version_of(scores), scores.ref.partition or scores.ref.id
    expected = expected_of(database, model, version, rules.metric)
    told, facts = _told(database, scores, model, version, partition, rules, expected)
    report = Report.of(KIND, f"{model} v{version} {partition}", [told], facts={**facts, "is_estimate": True})
    windows.record(
        database,
        model=model,
        version=version,
        kind=KIND,
        partition=partition,
        verdict=report.verdict,
        value=facts.get("value"),
        rows=scores.ref.rows,
        report=report.id,
        inputs=inputs_of(scores=scores),
    )
    return report


def _told(
    database: Database,
    scores: Scores,
    model: str,
    version: int,
    partition: str,
    policy: PerformancePolicy,
    expected: float | None,
) -> tuple[Check, dict[str, Any]]:
    name = f"estimated {policy.metric}"
    if why := _why_not(database, model, version, partition, policy, scores.ref.rows):
        return Check(name, "not_judged", message=why), {}
    kept = baselines.get(database, model, version, "relation") or {}
    calibration = Calibration.of(Relation.from_dict(kept))
    if calibration is None:
        return Check(name, "not_judged", message="its scores are no chances of one of two classes"), {}
    column = scores.to_pandas([SCORE])[SCORE].to_numpy(dtype=float)
    if not np.isfinite(column).all():
        return Check(name, "not_judged", message="there are scores that are missing or not finite"), {}
    found = estimate(policy.metric, column, calibration, confidence=policy.confidence)
    facts: dict[str, Any] = {"metric": policy.metric, "low": found.low, "high": found.high}
    facts["value"] = found.value if math.isfinite(found.value) else None
    facts |= {"expected": expected, "rows": len(column), "expected_positives": found.positives}
    return _judged(name, policy, found, expected), facts


def _judged(name: str, policy: PerformancePolicy, found: Estimated, expected: float | None) -> Check:
    observed = {"value": found.value, "low": found.low, "high": found.high}
    said = f"{policy.metric} is estimated at {found.value:.3f} ({found.low:.3f} to {found.high:.3f}), without labels"
    if expected is None or not np.isfinite([expected, found.value, found.low, found.high]).all():
        return Check(name, "not_judged", observed=observed, message=f"{said}; no expected value to hold it against")
    m = metric(policy.metric)
    best = found.high if m.direction == "higher" else found.low
    worse = -float(m.gain(best, expected)) > policy.tolerance
    wanted = f"{expected:.4f} within {policy.tolerance:g}"
    return Check(name, "fail" if worse else "pass", "warn", observed, wanted, None, f"{said}; expected {expected:.3f}")


def _why_not(
    database: Database, model: str, version: int, partition: str, policy: PerformancePolicy, rows: int
) -> str | None:
    """Say why there can be no estimate; None when there can."""
    if metric(policy.metric).task != "binary":
        return f"{policy.metric} is no metric of two classes: only of these can scores tell it alone"
    kept = baselines.get(database, model, version, "relation")
    if kept is None or "why_not" in kept:
        return "it is not known what its scores mean: evaluate the version with EvaluateModelOperator"
    if rows < policy.min_rows:
        return f"{rows} predictions are too few to judge"
    past = [w for w in windows.of_model(database, model, "concept_drift", version=version) if w.partition < partition]
    if past and past[-1].verdict == "fail":
        return f"by the labels of {past[-1].partition} its scores do not mean any more what they meant: wait for labels"
    return None


def _chance(log_odds: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -40, 40))))


def _log_odds(scores: Array) -> Array:
    inside = np.clip(np.asarray(scores, float), _CLOSEST, 1 - _CLOSEST)
    return np.asarray(np.log(inside / (1 - inside)))
