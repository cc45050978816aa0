"""Metrics of a task that predicts a number."""

from __future__ import annotations

import numpy as np

from airflow_mlops.core.metrics.metric import Metric, mean_of

REGRESSION = (
    Metric("mae", "lower", "regression", mean_of(lambda y, p: np.abs(p - y))),
    Metric("rmse", "lower", "regression", mean_of(lambda y, p: (p - y) ** 2, np.sqrt)),
)
