"""The expected calibration error, and its confidence interval by test inversion.

A calibration error is never negative, so noise alone produces one. A bootstrap adds noise to noise, and its interval
never covers the truth of a calibrated model. This module inverts a test instead (Carpenter 1999). The error of a bin is
a sum over many rows. A hypothetical true error is distributed over the bins like the observed one. The test adds normal
noise of the rows' size, and computes the probability of an error at most as large as the observed one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics.losses import brier
from airflow_mlops.core.metrics.metric import EvaluatedRows, safe_divide
from airflow_mlops.core.metrics.types import Array, WeightedStatistic

CALIBRATION_BINS = 10
_DRAWS = 2000
_MAX_GROUPS = 5000  # groups of rows from which the noise is estimated
_HALVINGS = 40
_SEARCH_WIDTH = 10.0  # standard errors beyond the observed value


def calibration_bins(scores: Array, bins: int = CALIBRATION_BINS) -> Array:
    """Assign each row to a bin: bins of about equal count, cut at quantiles; equal scores share a bin.

    :returns: n bin numbers from 0 on; ties can lead to fewer bins than requested.
    """
    edges = np.quantile(scores, np.arange(1, bins) / bins)
    return np.unique(np.searchsorted(edges, scores), return_inverse=True)[1]


def calibration_error(target: Array, scores: Array) -> WeightedStatistic:
    """Expected calibration error: the mean distance between score and fraction of positives over the bins.

    Naeini, Cooper and Hauskrecht 2015; with bins of equal count as in Nixon and others 2019. The bins are cut once, on
    all rows, and every resample uses the same bins.
    """
    residuals = (scores - target) + 0 * brier(target, scores)  # NaN where a score is not a probability
    bins = calibration_bins(scores)
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(bins[order]) != 0])
    residuals = residuals[order]

    def weighted(weights: Array) -> Array:
        by_bin = np.add.reduceat(weights[..., order] * residuals, starts, axis=-1)
        return safe_divide(np.abs(by_bin).sum(-1), weights.sum(-1))

    return weighted


def calibration_interval(rows: EvaluatedRows, confidence: float) -> tuple[float, float]:
    """Return the ends of a confidence interval of the calibration error."""
    target, scores, units = rows.target, rows.scores, rows.clusters
    bins, group = calibration_bins(scores), units.assign_groups(_MAX_GROUPS)
    b, groups = int(bins.max()) + 1, int(group.max()) + 1
    residuals = np.bincount(group * b + bins, scores - target, minlength=groups * b).reshape(groups, b) / units.rows
    means = residuals.sum(axis=0)
    observed = float(np.abs(means).sum())
    noise = _draw_noise(residuals - np.outer(np.bincount(group) / units.rows, means))
    shape = means / observed if observed > 0 else np.full(len(means), 1 / len(means))
    tail = (1 - confidence) / 2

    def probability_at_most_observed(true: float) -> float:
        """Return the probability of an error no larger than the observed one; it falls as the true error grows."""
        return float((np.abs(true * shape + noise).sum(axis=1) <= observed).mean())

    limit = observed + _SEARCH_WIDTH * float(np.sqrt((noise**2).mean(axis=0)).sum())
    lower = _find_crossing(probability_at_most_observed, 1 - tail, limit)
    return lower, _find_crossing(probability_at_most_observed, tail, limit)


def _draw_noise(contributions: Array) -> Array:
    """Draw normal noise with the covariance of a sum over k groups.

    :param contributions: k x b values, the contribution of each group to each bin.
    :returns: draws x b.
    """
    k, b = contributions.shape
    deviations = contributions - contributions.mean(axis=0)
    covariance = np.einsum("ui,uj->ij", deviations, deviations) * k / (k - 1)
    root = np.linalg.cholesky(covariance + (1e-10 * np.trace(covariance) + 1e-300) * np.eye(b))
    return np.asarray(np.einsum("di,ji->dj", np.random.default_rng(0).normal(size=(_DRAWS, b)), root))


def _find_crossing(decreasing: Callable[[float], float], goal: float, limit: float) -> float:
    """Return the smallest number from 0 to ``limit`` at which a decreasing function is at most ``goal``."""
    low, high = 0.0, limit
    if decreasing(low) <= goal:
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if decreasing(middle) > goal else (low, middle)
    return high
