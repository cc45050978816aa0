"""Metrics of how scores rank rows: the areas under the ROC curve and under the precision-recall curve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics.metric import Array, divided


def roc_auc(target: Array, scores: Array) -> Callable[[Array], Array]:
    """Mann-Whitney form: P(score of a positive > score of a negative) + half of the ties."""
    order, starts = _groups(scores)
    positive = target[order]

    def weighted(weights: Array) -> Array:
        up, down = _sides(weights[..., order], positive, starts)
        so_far = np.cumsum(down, axis=-1)
        won = np.einsum("...i,...i->...", up, so_far) - np.einsum("...i,...i->...", up, down) / 2
        return divided(won, up.sum(-1) * so_far[..., -1])

    return weighted


def pr_auc(target: Array, scores: Array) -> Callable[[Array], Array]:
    """Average precision: the precision at each score, weighted with the recall that it adds.

    Without interpolation between the points, which would be too good (Davis and Goadrich 2006).
    """
    order, starts = _groups(-scores)
    positive = target[order]

    def weighted(weights: Array) -> Array:
        up, down = _sides(weights[..., order], positive, starts)
        hits = np.cumsum(up, axis=-1)
        picked = hits + np.cumsum(down, axis=-1)
        precision = hits / np.where(picked > 0, picked, 1)
        found = np.einsum("...i,...i->...", up, precision)
        total, others = hits[..., -1], picked[..., -1] - hits[..., -1]
        return divided(found, np.where(others > 0, total, 0))  # with one class there is nothing to find

    return weighted


def _groups(scores: Array) -> tuple[Array, Array]:
    """Give the order of the scores, and where in it each new score begins."""
    order = np.argsort(scores, kind="stable")
    return order, np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])


def _sides(weights: Array, positive: Array, starts: Array) -> tuple[Array, Array]:
    """Give the weights of positives and of negatives, summed over ties."""
    up = weights * positive
    down = weights - up
    if len(starts) < len(positive):
        up, down = (np.add.reduceat(side, starts, axis=-1) for side in (up, down))
    return up, down
