"""Metrics of a task with k classes: scores are n x k probabilities, the target is the class's number.

Means over classes are over those that have rows: a class that a resample, or the gate rows, do not have is left out, as
scikit-learn does; for champion and challenger these are the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics.losses import log_loss_of_classes
from airflow_mlops.core.metrics.metric import Array, Metric, divided, mean_of, sum_of
from airflow_mlops.core.metrics.ranking import roc_auc


def hits(target: Array, scores: Array) -> Array:
    """Say for each row whether the likeliest class is the right one; of equals the first."""
    return np.asarray(scores.argmax(axis=1) == target, float)


def _mean_over_classes(figures: list[Array], present: list[Array]) -> Array:
    """Average the figures of the classes that are there; NaN when fewer than two have rows."""
    values = np.where(np.isfinite(figures), figures, 0).sum(axis=0)
    classes = np.sum(present, axis=0)
    return divided(values, np.where(classes > 1, np.isfinite(figures).sum(axis=0), 0))


def _by_class(
    figure: Callable[[Array, Array, Array], Array],
) -> Callable[[Array, Array], Callable[[Array], Array]]:
    """Make a metric that averages a figure of each class: of the weights of hits, of rows taken for it, of its rows."""

    def prepare(target: Array, scores: Array) -> Callable[[Array], Array]:
        taken = scores.argmax(axis=1)
        columns = [
            [((taken == c) & (target == c)).astype(float), (taken == c).astype(float), (target == c).astype(float)]
            for c in range(scores.shape[1])
        ]

        def weighted(weights: Array) -> Array:
            sums = [[sum_of(weights, column) for column in of] for of in columns]
            return _mean_over_classes([figure(*of) for of in sums], [of[2] > 0 for of in sums])

        return weighted

    return prepare


def _roc_auc_ovr(target: Array, scores: Array) -> Callable[[Array], Array]:
    """Each class against the rest, averaged (Provost and Domingos 2000, without their weights)."""
    members = [(target == c).astype(float) for c in range(scores.shape[1])]
    areas = [roc_auc(member, scores[:, c]) for c, member in enumerate(members)]

    def weighted(weights: Array) -> Array:
        present = [sum_of(weights, member) > 0 for member in members]
        return _mean_over_classes([area(weights) for area in areas], present)

    return weighted


MULTICLASS = (
    Metric("log_loss_multiclass", "lower", "multiclass", mean_of(log_loss_of_classes)),
    Metric("accuracy_multiclass", "higher", "multiclass", mean_of(hits)),
    Metric("balanced_accuracy", "higher", "multiclass", _by_class(lambda found, _, rows: divided(found, rows))),
    Metric("f1_macro", "higher", "multiclass", _by_class(lambda found, taken, rows: divided(2 * found, taken + rows))),
    Metric("roc_auc_ovr", "higher", "multiclass", _roc_auc_ovr),
)
