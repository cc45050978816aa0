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
        if len(target) == 0 or not (np.isfinite(target).all() and np.isfinite(scores).all()):
            return float("nan")
        return float(self.prepare(target, scores)(np.ones(len(target))))

    def gain(self, challenger: float | Array, champion: float | Array) -> Any:
        """Give how much better the challenger is: above 0 is better, whichever the direction."""
        return (challenger - champion) if self.direction == "higher" else (champion - challenger)


def mean_of(loss: Callable[[Array, Array], Array], after: Callable[[Array], Array] = lambda v: v) -> Any:
    """Make a metric that is the weighted mean of a per-row loss."""

    def prepare(target: Array, scores: Array) -> Callable[[Array], Array]:
        losses = loss(target, scores)

        def weighted(weights: Array) -> Array:
            total = weights.sum(-1)
            with np.errstate(invalid="ignore", divide="ignore"):
                return after(np.asarray((weights * losses).sum(-1) / np.where(total > 0, total, np.nan)))

        return weighted

    return prepare
