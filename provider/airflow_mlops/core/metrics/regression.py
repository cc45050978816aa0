"""Metrics of regression."""

from __future__ import annotations

import math

import numpy as np

from airflow_mlops.core.metrics import interval_methods
from airflow_mlops.core.metrics.builders import LARGE_FALL, mean_loss
from airflow_mlops.core.metrics.influence import r2_influence, root_mean_influence
from airflow_mlops.core.metrics.losses import absolute_error, quantile_loss, relative_error, squared_error
from airflow_mlops.core.metrics.metric import Metric, mean_metric, safe_divide, weighted_sum
from airflow_mlops.core.metrics.types import Array, WeightedStatistic


def _r2(target: Array, values: Array) -> WeightedStatistic:
    """Coefficient of determination: the explained proportion of the target's variance; NaN for a constant target."""
    errors = squared_error(target, values)
    shifted = target - target[0]  # avoids cancellation with large targets
    minimum = (1e-12 * np.abs(shifted).max()) ** 2

    def weighted(weights: Array) -> Array:
        total = weights.sum(-1)
        mean = safe_divide(weighted_sum(weights, shifted), total)
        around = np.einsum("...i,...i->...", weights, (shifted - mean[..., None]) ** 2)
        with np.errstate(invalid="ignore"):
            return 1 - safe_divide(weighted_sum(weights, errors), np.where(around > minimum * total, around, 0))

    return weighted


REGRESSION = (
    mean_loss("mae", "regression", absolute_error, gain_by_influence=True, aliases=("neg_mean_absolute_error",)),
    Metric(
        "rmse", "lower", "regression", mean_metric(squared_error, np.sqrt), root_mean_influence(squared_error),
        interval=interval_methods.LOSS, bounds=(0.0, math.inf), aliases=("neg_root_mean_squared_error",),
    ),
    mean_loss("mape", "regression", relative_error, aliases=("neg_mean_absolute_percentage_error",)),
    Metric(
        "r2", "higher", "regression", _r2, r2_influence,
        interval=interval_methods.R2, bounds=(-math.inf, 1.0), large_fall=LARGE_FALL,
    ),
    *(mean_loss(f"pinball_{percent}", "regression", quantile_loss(percent / 100)) for percent in (10, 50, 90)),
)  # fmt: skip
