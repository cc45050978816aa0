"""Metrics for choosing candidates, for the gate and for watching: one set for all three."""

from airflow_mlops.core.metrics.catalogue import METRICS, metric, of_task
from airflow_mlops.core.metrics.intervals import interval, intervals
from airflow_mlops.core.metrics.losses import row_losses
from airflow_mlops.core.metrics.metric import Array, Metric, Task
from airflow_mlops.core.metrics.resampling import Resampling, bootstrap_weights

__all__ = [
    "METRICS",
    "Array",
    "Metric",
    "Resampling",
    "Task",
    "bootstrap_weights",
    "interval",
    "intervals",
    "metric",
    "of_task",
    "row_losses",
]
