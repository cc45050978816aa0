"""What a metric is: a figure for predictions, with row weights, so that a bootstrap is one call with other weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, Any]
Task = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure for predictions.

    :param name: such as ``roc_auc``.
    :param direction: whether ``higher`` or ``lower`` is better.
    :param task: ``binary`` (n scores: probabilities of the positive class), ``multiclass`` (n x k scores: a
        probability for each class; the target is the class's number from 0 on) or ``regression`` (n values).
    :param prepare: (target, scores) of n rows -> a function of weights (n, or k x n) -> a float, or k of them.
        What does not depend on the weights (sorting) is done once.
    """

    name: str
    direction: Literal["higher", "lower"]
    task: Task
    prepare: Callable[[Array, Array], Callable[[Array], Array]]

    def value(self, target: Array, scores: Array) -> float:
        """Give the plain, unweighted value; NaN where it is not defined: no rows, one class, a value not finite."""
        target, scores = np.asarray(target, float), np.asarray(scores, float)
        if not self.defined(target, scores):
            return float("nan")
        return float(self.prepare(target, scores)(np.ones(len(target))))

    def defined(self, target: Array, scores: Array) -> bool:
        """Say whether there are rows, finite, of the task's shape: what :attr:`prepare` takes for granted."""
        if len(target) == 0 or len(target) != len(scores):
            return False
        if not (np.isfinite(target).all() and np.isfinite(scores).all()):
            return False
        if self.task != "multiclass":
            return bool(scores.ndim == 1) and (self.task == "regression" or bool(((target == 0) | (target == 1)).all()))
        return bool(scores.ndim == 2 and ((target >= 0) & (target < scores.shape[1]) & (target % 1 == 0)).all())

    def gain(self, challenger: float | Array, champion: float | Array) -> Any:
        """Give how much better the challenger is: above 0 is better, whichever the direction."""
        return (challenger - champion) if self.direction == "higher" else (champion - challenger)


def sum_of(weights: Array, column: Array) -> Array:
    """Sum a column of n rows under each of k weightings.

    Not as a matrix product: that may add in another order with another number of threads, and the same evidence has to
    give the same digits everywhere.
    """
    return np.asarray(np.einsum("...i,i->...", weights, column))


def divided(part: Array, whole: Array) -> Array:
    """Divide; NaN where there is nothing to divide by."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part / np.where(whole > 0, whole, np.nan))


def mean_of(loss: Callable[[Array, Array], Array], after: Callable[[Array], Array] = lambda v: v) -> Any:
    """Make a metric that is the weighted mean of a per-row loss."""

    def prepare(target: Array, scores: Array) -> Callable[[Array], Array]:
        losses = loss(target, scores)

        def weighted(weights: Array) -> Array:
            return after(divided(sum_of(weights, losses), weights.sum(-1)))

        return weighted

    return prepare
