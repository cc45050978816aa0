"""Row losses, such as log loss and squared error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics.types import Array, Task

_EPSILON = 1e-15  # clips probabilities, so that the log loss stays finite
_TOLERANCE = 1e-9  # computed probabilities may leave [0, 1] by rounding


def row_losses(task: Task, target: Array, scores: Array) -> Array:
    """Compute the loss of each row; smaller is better.

    :param target: n true values; the class number in a multiclass task.
    :param scores: n predictions, or n x k probabilities.
    :returns: n losses: log loss (in nats) for classes, squared error for values; NaN where a score is not a
        probability.
    """
    target, scores = np.asarray(target, float), np.asarray(scores, float)
    if task == "binary":
        return log_loss(target, scores)
    return log_loss_of_classes(target, scores) if task == "multiclass" else squared_error(target, scores)


def log_loss(target: Array, scores: Array) -> Array:
    """Return the negative log likelihood of each row's class; ``scores`` are probabilities of class 1."""
    p = np.clip(_valid_probabilities(scores), _EPSILON, 1 - _EPSILON)
    return np.asarray(-(target * np.log(p) + (1 - target) * np.log1p(-p)))


def log_loss_of_classes(target: Array, scores: Array) -> Array:
    """Return the negative log likelihood of each row's class among k."""
    rows = np.arange(len(target))
    return np.asarray(-np.log(np.clip(_valid_probabilities(scores)[rows, target.astype(int)], _EPSILON, 1)))


def brier(target: Array, scores: Array) -> Array:
    """Return the squared difference between probability and outcome."""
    return np.asarray((_valid_probabilities(scores) - target) ** 2)


def squared_error(target: Array, values: Array) -> Array:
    """Return the squared error of each row."""
    return np.asarray((values - target) ** 2)


def absolute_error(target: Array, values: Array) -> Array:
    """Return the absolute error of each row."""
    return np.asarray(np.abs(values - target))


def relative_error(target: Array, values: Array) -> Array:
    """Return the error relative to the true value, as scikit-learn does: it is huge for a true value of 0."""
    return np.asarray(np.abs(values - target) / np.maximum(np.abs(target), np.finfo(float).eps))


def quantile_loss(quantile: float) -> Callable[[Array, Array], Array]:
    """Return the pinball loss, which the predictor of a quantile minimises (Koenker and Bassett 1978)."""

    def loss(target: Array, values: Array) -> Array:
        error = target - values
        return np.asarray(np.maximum(quantile * error, (quantile - 1) * error))

    return loss


def _valid_probabilities(scores: Array) -> Array:
    """Return the scores, with NaN for scores that are not probabilities, so that the metric becomes undefined."""
    return np.where((scores >= -_TOLERANCE) & (scores <= 1 + _TOLERANCE), scores, np.nan)
