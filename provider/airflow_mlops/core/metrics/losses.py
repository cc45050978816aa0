"""How wrong one row's prediction was: the log loss of a probability, the squared error of a value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics.metric import Array, Task

_LEAST = 1e-15  # a probability of 0 would cost without end
_BESIDE = 1e-9  # sums of probabilities miss 0 and 1 by rounding


def row_losses(task: Task, target: Array, scores: Array) -> Array:
    """Give each row's loss: the smaller, the better.

    :param target: n true values; the class's number in a multiclass task.
    :param scores: n predictions, or n x k probabilities.
    :returns: n losses: log loss (in nats) of classes, squared error of values; NaN where a score is no probability.
    """
    target, scores = np.asarray(target, float), np.asarray(scores, float)
    if task == "binary":
        return log_loss(target, scores)
    return log_loss_of_classes(target, scores) if task == "multiclass" else squared_error(target, scores)


def log_loss(target: Array, scores: Array) -> Array:
    """Give the negative log likelihood of each row's class; ``scores`` are chances of class 1."""
    p = np.clip(_chances(scores), _LEAST, 1 - _LEAST)
    return np.asarray(-(target * np.log(p) + (1 - target) * np.log1p(-p)))


def log_loss_of_classes(target: Array, scores: Array) -> Array:
    """Give the negative log likelihood of each row's class among k."""
    rows = np.arange(len(target))
    return np.asarray(-np.log(np.clip(_chances(scores)[rows, target.astype(int)], _LEAST, 1)))


def brier(target: Array, scores: Array) -> Array:
    """Give the squared distance between chance and outcome."""
    return np.asarray((_chances(scores) - target) ** 2)


def squared_error(target: Array, values: Array) -> Array:
    """Give the squared error of each row."""
    return np.asarray((values - target) ** 2)


def absolute_error(target: Array, values: Array) -> Array:
    """Give the distance of each row."""
    return np.asarray(np.abs(values - target))


def relative_error(target: Array, values: Array) -> Array:
    """Give the error as a share of the true value, as scikit-learn does: a true 0 makes it huge."""
    return np.asarray(np.abs(values - target) / np.maximum(np.abs(target), np.finfo(float).eps))


def quantile_loss(quantile: float) -> Callable[[Array, Array], Array]:
    """Make the loss that is least for the predictor of a quantile (Koenker and Bassett 1978)."""

    def loss(target: Array, values: Array) -> Array:
        short = target - values
        return np.asarray(np.maximum(quantile * short, (quantile - 1) * short))

    return loss


def _chances(scores: Array) -> Array:
    """Give the scores, NaN where one is no probability: what follows must not look like a figure."""
    return np.where((scores >= -_BESIDE) & (scores <= 1 + _BESIDE), scores, np.nan)
