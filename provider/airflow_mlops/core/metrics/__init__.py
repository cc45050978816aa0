"""Metrics for choosing candidates, for the gate and for watching: one set for all three."""

from airflow_mlops.core.metrics.catalogue import METRICS, metric, of_task
from airflow_mlops.core.metrics.metric import Array, Metric, Task
from airflow_mlops.core.metrics.resampling import bootstrap_weights, interval

__all__ = ["METRICS", "Array", "Metric", "Task", "bootstrap_weights", "interval", "metric", "of_task"]
