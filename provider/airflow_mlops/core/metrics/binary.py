"""Metrics of a task with two classes. Those of decisions take a score of 0.5 and above for the positive class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics.losses import brier, log_loss
from airflow_mlops.core.metrics.metric import Array, Metric, divided, mean_of, sum_of
from airflow_mlops.core.metrics.ranking import pr_auc, roc_auc

THRESHOLD = 0.5
CALIBRATION_BINS = 10


def _of_decisions(figure: Callable[[Array, Array, Array], Array]) -> Callable[[Array, Array], Callable[[Array], Array]]:
    """Make a metric of the weights of true positives, of all decided positives, and of all positives."""

    def prepare(target: Array, scores: Array) -> Callable[[Array], Array]:
        decided, positive = (scores >= THRESHOLD).astype(float), target
        hit = decided * positive

        def weighted(weights: Array) -> Array:
            return figure(*(sum_of(weights, column) for column in (hit, decided, positive)))

        return weighted

    return prepare


def hits(target: Array, scores: Array) -> Array:
    """Say for each row whether it was decided right."""
    return np.asarray((scores >= THRESHOLD) == (target > 0.5), float)


def _f1(found: Array, decided: Array, positives: Array) -> Array:
    return divided(2 * found, np.where(positives > 0, decided + positives, 0))


def calibration_bins(scores: Array, bins: int = CALIBRATION_BINS) -> Array:
    """Give each row's bin: bins of about equal count, cut at quantiles; equal scores are in one bin.

    :returns: n bin numbers from 0 on; ties can leave fewer bins than asked for.
    """
    edges = np.quantile(scores, np.arange(1, bins) / bins)
    return np.unique(np.searchsorted(edges, scores), return_inverse=True)[1]


def _calibration_error(target: Array, scores: Array) -> Callable[[Array], Array]:
    """Expected calibration error: the mean distance between score and share of positives, bin by bin.

    Naeini, Cooper and Hauskrecht 2015; with bins of equal count as Nixon and others 2019. The bins are cut once, on
    all rows given: resamples are held against the same bins.
    """
    misses = (scores - target) + 0 * brier(target, scores)  # NaN where a score is no probability
    bins = calibration_bins(scores)
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(bins[order]) != 0])
    misses = misses[order]

    def weighted(weights: Array) -> Array:
        by_bin = np.add.reduceat(weights[..., order] * misses, starts, axis=-1)
        return divided(np.abs(by_bin).sum(-1), weights.sum(-1))

    return weighted


BINARY = (
    Metric("roc_auc", "higher", "binary", roc_auc),
    Metric("pr_auc", "higher", "binary", pr_auc),
    Metric("log_loss", "lower", "binary", mean_of(log_loss)),
    Metric("brier", "lower", "binary", mean_of(brier)),
    Metric("accuracy", "higher", "binary", mean_of(hits)),
    Metric("f1", "higher", "binary", _of_decisions(_f1)),
    Metric("precision", "higher", "binary", _of_decisions(lambda found, decided, _: divided(found, decided))),
    Metric("recall", "higher", "binary", _of_decisions(lambda found, _, positives: divided(found, positives))),
    Metric("calibration_error", "lower", "binary", _calibration_error),
)
