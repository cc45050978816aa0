"""Influence functions of metrics: the effect of each row on the value.

A row's influence is the derivative of the metric by the row's weight, times the number of rows; its mean over the rows
is zero. The mean of its square, over the number of rows, is the variance of the metric: the delta method, or
infinitesimal jackknife (Efron 1982, chapter 6). For a mean loss it is the loss minus the mean, which gives the standard
error of the t-test. For the ROC AUC it leads to the variance of DeLong, DeLong and Clarke-Pearson (1988). Tests compare
each formula with the numerical derivative of the metric.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics.losses import squared_error
from airflow_mlops.core.metrics.types import Array, InfluenceFunction

RatioTerms = Callable[[Array, Array], tuple[Array, Array]]
"""(predicted positive, positive), n indicators each -> the row terms of numerator and denominator."""


def roc_auc_influence(target: Array, scores: Array) -> Array:
    """Return the influence of each row on the area under the ROC curve.

    For a positive, take the fraction of negatives ranked below it, where ties count half. For a negative, take the
    fraction of positives ranked above it. The influence is this minus the area, divided by the fraction of its class.
    """
    positive = target == 1
    ranks = _RankSums(scores)
    below, tied = ranks.below(~positive), ranks.tied(~positive)
    above = int(positive.sum()) - ranks.below(positive) - ranks.tied(positive)
    negatives, positives = int((~positive).sum()), int(positive.sum())
    wins = np.where(positive, (below + tied / 2) / negatives, (above + ranks.tied(positive) / 2) / positives)
    area = float(wins[positive].mean())
    return np.asarray((wins - area) * len(target) / np.where(positive, positives, negatives))


def pr_auc_influence(target: Array, scores: Array) -> Array:
    """Return the influence of each row on the average precision.

    A row changes the precision at each score up to its own. A positive also adds the precision at its own score.
    """
    positive = target == 1
    ranks = _RankSums(-scores)  # best first
    hits, predicted = (ranks.below(rows) + ranks.tied(rows) for rows in (positive, np.ones(len(target), bool)))
    precision, positives = hits / predicted, int(positive.sum())
    value = float(precision[positive].mean())
    # Sums over the positives at or below a row's score: the row contributes to their precision.
    gains, costs = (ranks.at_or_above(np.where(positive, term, 0.0)) for term in (1 / predicted, hits / predicted**2))
    own = np.where(positive, precision - value + gains, 0.0)
    return np.asarray((own - costs) * len(target) / positives)


def roc_auc_ovr_influence(target: Array, scores: Array) -> Array:
    """Return the influence of each row on the mean one-vs-rest ROC AUC over the classes that have rows."""
    classes = [c for c in range(scores.shape[1]) if (target == c).any()]
    return np.asarray(np.mean([roc_auc_influence((target == c).astype(float), scores[:, c]) for c in classes], axis=0))


def mean_influence(loss: Callable[[Array, Array], Array]) -> InfluenceFunction:
    """Return the influence function of the mean of a row loss or hit."""

    def influence(target: Array, scores: Array) -> Array:
        values = loss(target, scores)
        return np.asarray(values - values.mean())

    return influence


def root_mean_influence(loss: Callable[[Array, Array], Array]) -> InfluenceFunction:
    """Return the influence function of the root of a mean loss."""

    def influence(target: Array, scores: Array) -> Array:
        values = loss(target, scores)
        root = float(np.sqrt(values.mean()))
        return np.asarray((values - values.mean()) / (2 * root if root > 0 else 1.0))

    return influence


def class_mean_influence(terms: RatioTerms) -> InfluenceFunction:
    """Return the influence function of the mean of a ratio of decisions over the classes."""

    def influence(target: Array, scores: Array) -> Array:
        predicted = scores.argmax(axis=1)
        by_class = [terms((predicted == c).astype(float), (target == c).astype(float)) for c in range(scores.shape[1])]
        return np.asarray(np.mean([ratio_influence(n, d) for n, d in by_class if d.any()], axis=0))

    return influence


def r2_influence(target: Array, values: Array) -> Array:
    """Return the influence of each row on the explained proportion of the target's variance."""
    return -ratio_influence(squared_error(target, values), (target - target.mean()) ** 2)


def ratio_influence(numerator: Array, denominator: Array) -> Array:
    """Return the influence of each row on the ratio of two sums."""
    total = denominator.sum()
    return np.asarray((numerator - numerator.sum() / total * denominator) * len(numerator) / total)


def precision_terms(predicted: Array, positive: Array) -> tuple[Array, Array]:
    """Return the terms of precision."""
    return predicted * positive, predicted


def recall_terms(predicted: Array, positive: Array) -> tuple[Array, Array]:
    """Return the terms of recall."""
    return predicted * positive, positive


def f1_terms(predicted: Array, positive: Array) -> tuple[Array, Array]:
    """Return the terms of F1."""
    return 2 * predicted * positive, predicted + positive


class _RankSums:
    """Sums over the rows ranked below, tied with, and at or above each row.

    :param scores: n values; equal scores share a rank.
    """

    def __init__(self, scores: Array) -> None:
        order = np.argsort(scores, kind="stable")
        new = np.r_[True, np.diff(scores[order]) != 0]
        self._order, self._starts = order, np.flatnonzero(new)
        self._rank = np.empty(len(scores), dtype=np.intp)
        self._rank[order] = np.cumsum(new) - 1

    def _by_rank(self, values: Array) -> Array:
        return np.asarray(np.add.reduceat(values[self._order].astype(float), self._starts))

    def tied(self, values: Array) -> Array:
        """Return for each row the sum over the rows with the same score."""
        return np.asarray(self._by_rank(values)[self._rank])

    def below(self, values: Array) -> Array:
        """Return for each row the sum over the rows with smaller scores."""
        sums = self._by_rank(values)
        return np.asarray((np.cumsum(sums) - sums)[self._rank])

    def at_or_above(self, values: Array) -> Array:
        """Return for each row the sum over the rows with the same or larger scores."""
        sums = self._by_rank(values)
        return np.asarray(np.cumsum(sums[::-1])[::-1][self._rank])
