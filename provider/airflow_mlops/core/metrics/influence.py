"""How much each row matters to a figure: its influence function.

A row's influence is the figure's derivative by the row's weight, times the number of rows; its mean over the rows is
zero. The mean of its square, over the number of rows, is the variance of the figure: the delta method, or
infinitesimal jackknife (Efron 1982, chapter 6). For a mean of losses that is the loss less the mean, and the error is
that of the t-test; for the area under the ROC curve it is what DeLong, DeLong and Clarke-Pearson (1988) build their
variance of. Tests hold each formula against the metric's own derivative.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics import binary, losses, multiclass
from airflow_mlops.core.metrics.metric import Array

Influence = Callable[[Array, Array], Array]
Sides = Callable[[Array, Array], tuple[Array, Array]]


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
        each = loss(target, scores)
        return np.asarray(each - each.mean())

    return influence


def of_root(loss: Callable[[Array, Array], Array]) -> Influence:
    """Give the influence of each row on the root of the mean of a loss."""

    def influence(target: Array, scores: Array) -> Array:
        each = loss(target, scores)
        root = float(np.sqrt(each.mean()))
        return np.asarray((each - each.mean()) / (2 * root if root > 0 else 1.0))

    return influence


def of_decisions(sides: Sides) -> Influence:
    """Give the influence of each row on a ratio of decisions, such as precision.

    :param sides: (1 where a row is taken, 1 where it is positive) -> what is summed above, and below the line.
    """

    def influence(target: Array, scores: Array) -> Array:
        return _of_ratio(*sides((scores >= binary.THRESHOLD).astype(float), target))

    return influence


def of_classes(sides: Sides) -> Influence:
    """Give the influence of each row on the mean, over the classes, of a ratio of decisions for each."""

    def influence(target: Array, scores: Array) -> Array:
        taken = scores.argmax(axis=1)
        by_class = [sides((taken == c).astype(float), (target == c).astype(float)) for c in range(scores.shape[1])]
        return np.asarray(np.mean([_of_ratio(part, whole) for part, whole in by_class if whole.any()], axis=0))

    return influence


def of_r2(target: Array, values: Array) -> Array:
    """Give the influence of each row on the share of the target's variance that is explained."""
    return -_of_ratio(losses.squared_error(target, values), (target - target.mean()) ** 2)


def _of_ratio(part: Array, whole: Array) -> Array:
    """Give the influence of each row on the ratio of two sums."""
    total = whole.sum()
    return np.asarray((part - part.sum() / total * whole) * len(part) / total)


def _precision(taken: Array, positive: Array) -> tuple[Array, Array]:
    return taken * positive, taken


def _recall(taken: Array, positive: Array) -> tuple[Array, Array]:
    return taken * positive, positive


def _f1(taken: Array, positive: Array) -> tuple[Array, Array]:
    return 2 * taken * positive, taken + positive


INFLUENCES: dict[str, Influence] = {
    "roc_auc": of_roc_auc,
    "pr_auc": of_pr_auc,
    "log_loss": of_mean(losses.log_loss),
    "brier": of_mean(losses.brier),
    "accuracy": of_mean(binary.hits),
    "f1": of_decisions(_f1),
    "precision": of_decisions(_precision),
    "recall": of_decisions(_recall),
    "log_loss_multiclass": of_mean(losses.log_loss_of_classes),
    "accuracy_multiclass": of_mean(multiclass.hits),
    "balanced_accuracy": of_classes(_recall),
    "f1_macro": of_classes(_f1),
    "roc_auc_ovr": of_roc_auc_ovr,
    "mae": of_mean(losses.absolute_error),
    "rmse": of_root(losses.squared_error),
    "mape": of_mean(losses.relative_error),
    "r2": of_r2,
    **{f"pinball_{percent}": of_mean(losses.quantile_loss(percent / 100)) for percent in (10, 50, 90)},
}
"""Metric -> the influence of each row on it, for finite rows on which the metric has a value.

Only the calibration error has none: bins where scores and outcomes agree have no derivative.
"""


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
