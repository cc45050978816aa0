"""Interval methods: how the confidence interval of a metric is computed."""

from __future__ import annotations

import math
from collections.abc import Callable

from airflow_mlops.core.metrics import interval_scales
from airflow_mlops.core.metrics.estimate import MetricEstimate
from airflow_mlops.core.metrics.jackknife import Jackknife
from airflow_mlops.core.metrics.metric import EvaluatedRows, IntervalMethod

FEW_ROWS = 20
"""With fewer rows, or clusters, of a class the standard error of an AUC is at least that of Hanley and McNeil."""
GROUPS = 200
"""The number of jackknife groups."""
IntervalEnds = tuple[float, float]


def estimate_from_influence(rows: EvaluatedRows) -> MetricEstimate:
    """Estimate a metric with its standard error from each row's influence, summed over its cluster."""
    assert rows.metric.influence is not None, f"{rows.metric.name} has no influence"
    influence = rows.metric.influence(rows.target, rows.scores)
    return MetricEstimate.from_parts(rows.value, rows.clusters.sums(influence) / rows.clusters.rows)


def on_scale(scale: Callable[[MetricEstimate, int, float], IntervalEnds]) -> IntervalMethod:
    """Return the method of a metric with influence: (estimate, number of rows, confidence) -> the ends."""

    def method(rows: EvaluatedRows, confidence: float) -> IntervalEnds:
        return scale(estimate_from_influence(rows), min(rows.counts), confidence)

    return method


PROPORTION = on_scale(interval_scales.proportion_interval)
AUC = on_scale(interval_scales.auc_interval)
F1 = on_scale(interval_scales.f1_interval)
LOSS = on_scale(lambda estimate, _, confidence: interval_scales.loss_interval(estimate, confidence))
R2 = on_scale(lambda estimate, _, confidence: interval_scales.r2_interval(estimate, confidence))


def roc_auc_interval(rows: EvaluatedRows, confidence: float) -> IntervalEnds:
    """Return the interval of the ROC AUC; with few rows of a class, its standard error has a minimum."""
    estimate = estimate_from_influence(rows)
    if min(rows.counts) < FEW_ROWS:
        estimate = _apply_minimum_error(estimate, *rows.counts)
    return interval_scales.auc_interval(estimate, min(rows.counts), confidence)


def student_interval(rows: EvaluatedRows, confidence: float) -> IntervalEnds:
    """Return the interval on the metric's own scale, within its bounds: Student's t.

    The standard error comes from the influence, or else from the delete-a-group jackknife. When it is zero for a metric
    with two bounds, the interval is that of a proportion: ten correct predictions of ten are not certainty.
    """
    if rows.metric.influence is not None:
        estimate = estimate_from_influence(rows)
    else:
        parts = Jackknife(rows.clusters.rows, rows.clusters.numbers, groups=GROUPS)
        estimate = parts.estimate([rows.metric.prepare(rows.target, rows.scores)])[0]
    low, high = rows.metric.bounds
    if estimate.standard_error == 0 and math.isfinite(high - low):
        proportion = MetricEstimate((rows.value - low) / (high - low), 0.0, estimate.degrees_of_freedom)
        ends = interval_scales.proportion_interval(proportion, min(rows.counts), confidence)
        return min(rows.value, low + (high - low) * ends[0]), max(rows.value, low + (high - low) * ends[1])
    lower, upper = estimate.bounds((1 + confidence) / 2)
    return (max(low, lower), min(high, upper)) if estimate.is_finite else (math.nan, math.nan)


def _apply_minimum_error(estimate: MetricEstimate, negatives: int, positives: int) -> MetricEstimate:
    """Return the estimate of an AUC with the standard error of Hanley and McNeil (1982) where that is larger.

    That error depends only on the AUC and the sizes of both classes. It prevents overconfidence when, for example, four
    positives happen to have similar scores.
    """
    auc = estimate.value
    q1, q2 = auc / (2 - auc) - auc**2, 2 * auc**2 / (1 + auc) - auc**2
    variance = auc * (1 - auc) + (positives - 1) * q1 + (negatives - 1) * q2
    minimum = math.sqrt(max(0.0, variance) / (positives * negatives))
    return estimate if estimate.standard_error >= minimum else MetricEstimate(auc, minimum, positives + negatives - 2.0)
