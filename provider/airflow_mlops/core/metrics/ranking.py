"""Ranking metrics: the areas under the ROC curve and under the precision-recall curve."""

from __future__ import annotations

import numpy as np

from airflow_mlops.core.metrics.metric import safe_divide
from airflow_mlops.core.metrics.types import Array, WeightedStatistic


def roc_auc(target: Array, scores: Array) -> WeightedStatistic:
    """ROC AUC in Mann-Whitney form: P(score of a positive > score of a negative) + half of the ties."""
    order, starts = _tie_groups(scores)
    positive = target[order]

    def weighted(weights: Array) -> Array:
        up, down = _sides(weights[..., order], positive, starts)
        cumulative = np.cumsum(down, axis=-1)
        wins = np.einsum("...i,...i->...", up, cumulative) - np.einsum("...i,...i->...", up, down) / 2
        return safe_divide(wins, up.sum(-1) * cumulative[..., -1])

    return weighted


def pr_auc(target: Array, scores: Array) -> WeightedStatistic:
    """Average precision: the precision at each score, weighted by the increase in recall.

    It does not interpolate between the points, which would be optimistic (Davis and Goadrich 2006).
    """
    order, starts = _tie_groups(-scores)
    positive = target[order]

    def weighted(weights: Array) -> Array:
        up, down = _sides(weights[..., order], positive, starts)
        hits = np.cumsum(up, axis=-1)
        predicted = hits + np.cumsum(down, axis=-1)
        precision = hits / np.where(predicted > 0, predicted, 1)
        weighted_precision = np.einsum("...i,...i->...", up, precision)
        positives, negatives = hits[..., -1], predicted[..., -1] - hits[..., -1]
        return safe_divide(weighted_precision, np.where(negatives > 0, positives, 0))  # NaN with one class

    return weighted


def _tie_groups(scores: Array) -> tuple[Array, Array]:
    """Return the sort order of the scores, and the position in it at which each distinct score begins."""
    order = np.argsort(scores, kind="stable")
    return order, np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])


def _sides(weights: Array, positive: Array, starts: Array) -> tuple[Array, Array]:
    """Return the weights of positives and of negatives, summed over ties."""
    up = weights * positive
    down = weights - up
    if len(starts) < len(positive):
        up, down = (np.add.reduceat(side, starts, axis=-1) for side in (up, down))
    return up, down
