"""Metrics of a task that predicts a number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics.losses import absolute_error, quantile_loss, relative_error, squared_error
from airflow_mlops.core.metrics.metric import Array, Metric, divided, mean_of, sum_of


def _r2(target: Array, values: Array) -> Callable[[Array], Array]:
    """The share of the target's variance that is explained; NaN where the target does not vary."""
    errors = squared_error(target, values)
    shifted = target - target[0]  # large targets must not lose their digits
    least = (1e-12 * np.abs(shifted).max()) ** 2

    def weighted(weights: Array) -> Array:
        total = weights.sum(-1)
        mean = divided(sum_of(weights, shifted), total)
        around = np.einsum("...i,...i->...", weights, (shifted - mean[..., None]) ** 2)
        with np.errstate(invalid="ignore"):
            return 1 - divided(sum_of(weights, errors), np.where(around > least * total, around, 0))

    return weighted


def _pinball(quantile: float) -> Metric:
    return Metric(f"pinball_{round(100 * quantile)}", "lower", "regression", mean_of(quantile_loss(quantile)))


REGRESSION = (
    Metric("mae", "lower", "regression", mean_of(absolute_error)),
    Metric("rmse", "lower", "regression", mean_of(squared_error, np.sqrt)),
    Metric("mape", "lower", "regression", mean_of(relative_error)),
    Metric("r2", "higher", "regression", _r2),
    _pinball(0.1),
    _pinball(0.5),
    _pinball(0.9),
)
