"""Calibration tables: predicted probability against the observed fraction of positives."""

from __future__ import annotations

import numpy as np

from airflow_mlops.core.metrics import Array
from airflow_mlops.core.metrics.calibration import calibration_bins


def calibration_table(target: Array, scores: Array) -> list[list[float]]:
    """Compute the calibration table in at most ten bins of about equal count, cut at quantiles of the score.

    :param target: n values, 0 or 1.
    :param scores: n probabilities.
    :returns: for each bin the mean score, the fraction of positives and the number of rows; empty when a score is not
        finite.
    """
    if len(scores) == 0 or not np.isfinite(scores).all():
        return []
    bins = calibration_bins(scores)
    rows = np.bincount(bins)
    means, positives = (np.bincount(bins, weights=values) / rows for values in (scores, target))
    return [[float(m), float(p), int(n)] for m, p, n in zip(means, positives, rows, strict=True)]
