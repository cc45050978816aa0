"""Metrics with confidence intervals, shared by training, the gate and monitoring."""

from airflow_mlops.core.metrics.catalogue import (
    METRICS,
    canonical_name,
    find_metric,
    get_metric,
    metrics_of_same_task,
)
from airflow_mlops.core.metrics.intervals import interval, intervals
from airflow_mlops.core.metrics.losses import row_losses
from airflow_mlops.core.metrics.metric import Metric
from airflow_mlops.core.metrics.resampling import Resampling, bootstrap_weights
from airflow_mlops.core.metrics.types import Array, Task

__all__ = [
    "METRICS",
    "Array",
    "Metric",
    "Resampling",
    "Task",
    "bootstrap_weights",
    "canonical_name",
    "find_metric",
    "get_metric",
    "interval",
    "intervals",
    "metrics_of_same_task",
    "row_losses",
]
