"""Confidence intervals of metrics, each by the method of its metric.

For built-in metrics they follow from each row's influence summed over its cluster. This is the limit of the jackknife
and the bootstrap at the cost of one pass (Efron 1982, chapter 6), on a scale that fits the metric. docs/evaluation.md
lists the measured coverage next to that of the bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from airflow_mlops.core.metrics.catalogue import get_metric
from airflow_mlops.core.metrics.clusters import Clusters
from airflow_mlops.core.metrics.interval_methods import student_interval
from airflow_mlops.core.metrics.metric import EvaluatedRows, Metric
from airflow_mlops.core.metrics.types import Array

MIN_ROWS = 3  # rows, or clusters, of each class that a metric needs; with fewer there is no interval
_UNDEFINED = math.nan, math.nan


def intervals(
    names: Sequence[str],
    target: Array,
    scores: Array,
    *,
    clusters: Array | None = None,
    confidence: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Compute a two-sided confidence interval of each metric.

    :param names: metrics of one task.
    :param clusters: n values; rows with the same value are dependent, such as a customer's weeks.
    :returns: name -> the ends of the interval; NaN where the metric is undefined, or depends on fewer than three rows
        or clusters.
    """
    target, scores = np.asarray(target, float), np.asarray(scores, float)
    units = Clusters(len(target), clusters)
    return {name: _ends(get_metric(name), target, scores, units, confidence) for name in names}


def interval(
    name: str, target: Array, scores: Array, *, clusters: Array | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """Compute a two-sided confidence interval of one metric, as :func:`intervals` does."""
    return intervals([name], target, scores, clusters=clusters, confidence=confidence)[name]


def _ends(metric: Metric, target: Array, scores: Array, units: Clusters, confidence: float) -> tuple[float, float]:
    value = metric.value(target, scores)
    if not math.isfinite(value):
        return _UNDEFINED
    counts = [units.count_with(rows) for rows in metric.basis(target, scores)]
    if min(counts) < MIN_ROWS:
        return _UNDEFINED
    method = metric.interval or student_interval
    return method(EvaluatedRows(metric, value, target, scores, units, counts), confidence)
