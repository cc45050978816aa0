"""Calibration: of rows that get a score of 0.3, are three in ten positive?"""

from __future__ import annotations

import numpy as np

from airflow_mlops.core.metrics import Array
from airflow_mlops.core.metrics.binary import calibration_bins


def calibration_table(target: Array, scores: Array) -> list[list[float]]:
    """Set scores beside what came true, in at most ten bins of about equal count, cut at quantiles of the score.

    :param target: n values, 0 or 1.
    :param scores: n chances.
    :returns: for each bin the mean score, the share of positives and the rows; nothing when a score is not finite.
    """
    if len(scores) == 0 or not np.isfinite(scores).all():
        return []
    bins = calibration_bins(scores)
    rows = np.bincount(bins)
    means, shares = (np.bincount(bins, weights=of) / rows for of in (scores, target))
    return [[float(m), float(s), int(n)] for m, s, n in zip(means, shares, rows, strict=True)]
