"""How much each row matters to a figure: its influence function, where one is short and leaving rows out would be dear.

A row's influence is the figure's derivative by the row's weight, times the number of rows; its mean over the rows is
zero. For a mean of losses that is the loss less the mean, and the error is that of the paired t-test. Ranks make the
jackknife sum all rows once more for each part; these formulas need it once, and of the area under the ROC curve they
give what DeLong, DeLong and Clarke-Pearson (1988) build their variance of. Ratios, such as F1, are left to the
jackknife, which knows better when their denominators are small.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics import Array, losses

Influence = Callable[[Array, Array], Array]


def of_roc_auc(target: Array, scores: Array) -> Array:
    """Give the influence of each row on the area under the ROC curve.

    A positive's is the share of negatives that it beats (ties count half), a negative's the share of positives that
    beat it, each less the area and over the share of its class.
    """
    positive = target == 1
    here = _Ranked(scores)
    below, among = here.below(~positive), here.among(~positive)
    above = int(positive.sum()) - here.below(positive) - here.among(positive)
    negatives, positives = int((~positive).sum()), int(positive.sum())
    wins = np.where(positive, (below + among / 2) / negatives, (above + here.among(positive) / 2) / positives)
    area = float(wins[positive].mean())
    return np.asarray((wins - area) * len(target) / np.where(positive, positives, negatives))


def of_pr_auc(target: Array, scores: Array) -> Array:
    """Give the influence of each row on the average precision.

    A row changes the precision at each score up to its own; a positive also adds the precision at its own.
    """
    positive = target == 1
    here = _Ranked(-scores)  # best first
    hits, picked = (here.below(side) + here.among(side) for side in (positive, np.ones(len(target), bool)))
    precision, positives = hits / picked, int(positive.sum())
    value = float(precision[positive].mean())
    # Sums over the positives from a row's own score on downwards: those whose precision the row takes part in.
    gains, costs = (here.from_here(np.where(positive, side, 0.0)) for side in (1 / picked, hits / picked**2))
    own = np.where(positive, precision - value + gains, 0.0)
    return np.asarray((own - costs) * len(target) / positives)


def of_roc_auc_ovr(target: Array, scores: Array) -> Array:
    """Give the influence of each row on the mean area over the classes that are there, each against the rest."""
    classes = [c for c in range(scores.shape[1]) if (target == c).any()]
    return np.asarray(np.mean([of_roc_auc((target == c).astype(float), scores[:, c]) for c in classes], axis=0))


def of_mean(loss: Callable[[Array, Array], Array]) -> Influence:
    """Give the influence of each row on the mean of a loss, or of a hit."""

    def influence(target: Array, scores: Array) -> Array:
        losses = loss(target, scores)
        return np.asarray(losses - losses.mean())

    return influence


INFLUENCES: dict[str, Influence] = {
    "roc_auc": of_roc_auc,
    "pr_auc": of_pr_auc,
    "roc_auc_ovr": of_roc_auc_ovr,
    "log_loss": of_mean(losses.log_loss),
    "brier": of_mean(losses.brier),
    "accuracy": of_mean(lambda y, p: ((p >= 0.5) == (y > 0.5)).astype(float)),
    "log_loss_multiclass": of_mean(losses.log_loss_of_classes),
    "accuracy_multiclass": of_mean(lambda y, p: (p.argmax(axis=1) == y).astype(float)),
    "mae": of_mean(lambda y, p: np.abs(p - y)),
}
"""Metric -> the influence of each row on it. Tests hold each against the metric's own derivative."""


class _Ranked:
    """Rows by their scores: what lies below, among and from each row's score on.

    :param scores: n values; equal ones are one step.
    """

    def __init__(self, scores: Array) -> None:
        order = np.argsort(scores, kind="stable")
        new = np.r_[True, np.diff(scores[order]) != 0]
        self._order, self._starts = order, np.flatnonzero(new)
        self._step = np.empty(len(scores), dtype=np.intp)
        self._step[order] = np.cumsum(new) - 1

    def _by_step(self, values: Array) -> Array:
        return np.asarray(np.add.reduceat(values[self._order].astype(float), self._starts))

    def among(self, values: Array) -> Array:
        """Give for each row the sum over the rows of its score."""
        return np.asarray(self._by_step(values)[self._step])

    def below(self, values: Array) -> Array:
        """Give for each row the sum over the rows of smaller scores."""
        sums = self._by_step(values)
        return np.asarray((np.cumsum(sums) - sums)[self._step])

    def from_here(self, values: Array) -> Array:
        """Give for each row the sum over the rows of its score and of larger ones."""
        sums = self._by_step(values)
        return np.asarray(np.cumsum(sums[::-1])[::-1][self._step])
