"""Metrics of a task with two classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics.metric import Array, Metric, mean_of


def _roc_auc(target: Array, scores: Array) -> Callable[[Array], Array]:
    """Mann-Whitney form: P(score of a positive > score of a negative) + half of the ties."""
    order = np.argsort(scores, kind="stable")
    positive = target[order]
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])

    def weighted(weights: Array) -> Array:
        w = weights[..., order]
        up = w * positive
        down = w - up
        if len(starts) < len(order):  # ties
            up, down = (np.add.reduceat(side, starts, axis=-1) for side in (up, down))
        so_far = np.cumsum(down, axis=-1)
        won = np.einsum("...i,...i->...", up, so_far) - np.einsum("...i,...i->...", up, down) / 2
        pairs = up.sum(-1) * so_far[..., -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(won / np.where(pairs > 0, pairs, np.nan))

    return weighted


def _log_loss(target: Array, scores: Array) -> Array:
    p = np.clip(scores, 1e-15, 1 - 1e-15)
    return np.asarray(-(target * np.log(p) + (1 - target) * np.log1p(-p)))


BINARY = (
    Metric("roc_auc", "higher", "binary", _roc_auc),
    Metric("log_loss", "lower", "binary", mean_of(_log_loss)),
    Metric("brier", "lower", "binary", mean_of(lambda y, p: (p - y) ** 2)),
    Metric("accuracy", "higher", "binary", mean_of(lambda y, p: ((p >= 0.5) == (y > 0.5)).astype(float))),
)
