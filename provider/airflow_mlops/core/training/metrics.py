"""Metrics with row weights, so that a bootstrap is one call with other weights.

They stand with training because candidates are already chosen by them; evaluation and monitoring use the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from airflow_mlops.core.errors import BadInput

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure for predictions.

    :param name: such as ``roc_auc``.
    :param direction: whether ``higher`` or ``lower`` is better.
    :param task: ``binary`` (scores are probabilities of the positive class) or ``regression``.
    :param prepare: (target, scores), each of n rows -> a function of weights (n, or k x n) -> a float, or k of them.
        What does not depend on the weights (sorting) is done once.
    """

    name: str
    direction: Literal["higher", "lower"]
    task: Literal["binary", "regression"]
    prepare: Callable[[Array, Array], Callable[[Array], Array]]

    def value(self, target: Array, scores: Array) -> float:
        """Give the plain, unweighted value; NaN where it is not defined: no rows, one class, a value not finite."""
        target, scores = np.asarray(target, float), np.asarray(scores, float)
        if len(target) == 0 or not (np.isfinite(target).all() and np.isfinite(scores).all()):
            return float("nan")
        return float(self.prepare(target, scores)(np.ones(len(target))))

    def gain(self, challenger: float | Array, champion: float | Array) -> Any:
        """Give how much better the challenger is: above 0 is better, whichever the direction."""
        return (challenger - champion) if self.direction == "higher" else (champion - challenger)


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


def _mean_of(loss: Callable[[Array, Array], Array], after: Callable[[Array], Array] = lambda v: v) -> Any:
    """Make a metric that is the weighted mean of a per-row loss."""

    def prepare(target: Array, scores: Array) -> Callable[[Array], Array]:
        losses = loss(target, scores)

        def weighted(weights: Array) -> Array:
            total = weights.sum(-1)
            with np.errstate(invalid="ignore", divide="ignore"):
                return after(np.asarray((weights * losses).sum(-1) / np.where(total > 0, total, np.nan)))

        return weighted

    return prepare


def _log_loss(target: Array, scores: Array) -> Array:
    p = np.clip(scores, 1e-15, 1 - 1e-15)
    return np.asarray(-(target * np.log(p) + (1 - target) * np.log1p(-p)))


METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric("roc_auc", "higher", "binary", _roc_auc),
        Metric("log_loss", "lower", "binary", _mean_of(_log_loss)),
        Metric("brier", "lower", "binary", _mean_of(lambda y, p: (p - y) ** 2)),
        Metric("accuracy", "higher", "binary", _mean_of(lambda y, p: ((p >= 0.5) == (y > 0.5)).astype(float))),
        Metric("mae", "lower", "regression", _mean_of(lambda y, p: np.abs(p - y))),
        Metric("rmse", "lower", "regression", _mean_of(lambda y, p: (p - y) ** 2, np.sqrt)),
    )
}


def metric(name: str) -> Metric:
    """Give a metric by its name.

    :raises BadInput: when there is none of that name.
    """
    try:
        return METRICS[name]
    except KeyError:
        raise BadInput(f"there is no metric {name!r}", mend=f"use one of {sorted(METRICS)}") from None


def of_task(name: str) -> dict[str, Metric]:
    """Give all metrics that fit the same task as the named one, itself first."""
    chosen = metric(name)
    return {name: chosen} | {m.name: m for m in METRICS.values() if m.task == chosen.task}


def bootstrap_weights(rng: np.random.Generator, resamples: int, rows: int, clusters: Array | None = None) -> Array:
    """Give row weights of bootstrap resamples.

    :param resamples: k.
    :param rows: n.
    :param clusters: n cluster numbers from 0 on: whole clusters are drawn, so that a customer's weeks come together
        (Field and Welsh 2007, cluster bootstrap).
    :returns: k x n counts: how often each row was drawn.
    """
    units = rows if clusters is None else int(clusters.max()) + 1
    # Five times as fast as rng.multinomial, and the same distribution.
    picks = rng.integers(0, units, size=(resamples, units)) + units * np.arange(resamples)[:, None]
    drawn = np.bincount(picks.ravel(), minlength=resamples * units).reshape(resamples, units)
    return np.asarray(drawn if clusters is None else drawn[:, clusters], dtype=np.float64)


def interval(
    name: str,
    target: Array,
    scores: Array,
    *,
    clusters: Array | None = None,
    confidence: float = 0.95,
    resamples: int = 400,
    seed: int = 0,
) -> tuple[float, float]:
    """Give a percentile bootstrap interval of a metric.

    :returns: its ends; NaN where the metric is not defined in the resamples, or a value is not finite.
    """
    target, scores = np.asarray(target, float), np.asarray(scores, float)
    if len(target) == 0 or not (np.isfinite(target).all() and np.isfinite(scores).all()):
        return float("nan"), float("nan")
    evaluate = metric(name).prepare(target, scores)
    values = evaluate(bootstrap_weights(np.random.default_rng(seed), resamples, len(target), clusters))
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
