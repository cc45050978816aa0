"""Metrics of multiclass classification: scores are n x k probabilities, the target is the class number.

Means over classes skip classes without rows, as in scikit-learn. These are the same for champion and challenger.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics import interval_methods
from airflow_mlops.core.metrics.builders import LARGE_FALL, UNIT, mean_loss
from airflow_mlops.core.metrics.influence import (
    class_mean_influence,
    f1_terms,
    mean_influence,
    recall_terms,
    roc_auc_ovr_influence,
)
from airflow_mlops.core.metrics.losses import log_loss_of_classes
from airflow_mlops.core.metrics.metric import Metric, mean_metric, rows_of_each_class, safe_divide, weighted_sum
from airflow_mlops.core.metrics.ranking import roc_auc
from airflow_mlops.core.metrics.types import Array, WeightedStatistic


def correct_classes(target: Array, scores: Array) -> Array:
    """Return 1 for each row whose most probable class is correct, else 0; ties go to the first class."""
    return np.asarray(scores.argmax(axis=1) == target, float)


def _mean_over_classes(by_class: list[Array], present: list[Array]) -> Array:
    """Average over the classes that have rows; NaN when fewer than two have any."""
    values = np.where(np.isfinite(by_class), by_class, 0).sum(axis=0)
    classes = np.sum(present, axis=0)
    return safe_divide(values, np.where(classes > 1, np.isfinite(by_class).sum(axis=0), 0))


def _class_average(
    ratio: Callable[[Array, Array, Array], Array],
) -> Callable[[Array, Array], WeightedStatistic]:
    """Build a metric that averages over the classes a ratio of the weights of hits, of predictions and of rows."""

    def prepare(target: Array, scores: Array) -> WeightedStatistic:
        predicted = scores.argmax(axis=1)
        columns = [
            [
                ((predicted == c) & (target == c)).astype(float),
                (predicted == c).astype(float),
                (target == c).astype(float),
            ]
            for c in range(scores.shape[1])
        ]

        def weighted(weights: Array) -> Array:
            sums = [[weighted_sum(weights, column) for column in class_columns] for class_columns in columns]
            return _mean_over_classes([ratio(*s) for s in sums], [s[2] > 0 for s in sums])

        return weighted

    return prepare


def _roc_auc_ovr(target: Array, scores: Array) -> WeightedStatistic:
    """ROC AUC of each class against the rest, averaged (Provost and Domingos 2000, without their weights)."""
    members = [(target == c).astype(float) for c in range(scores.shape[1])]
    areas = [roc_auc(member, scores[:, c]) for c, member in enumerate(members)]

    def weighted(weights: Array) -> Array:
        present = [weighted_sum(weights, member) > 0 for member in members]
        return _mean_over_classes([area(weights) for area in areas], present)

    return weighted


MULTICLASS = (
    mean_loss("log_loss_multiclass", "multiclass", log_loss_of_classes, gain_by_influence=True),
    Metric(
        "accuracy_multiclass", "higher", "multiclass", mean_metric(correct_classes), mean_influence(correct_classes),
        gain_by_influence=True, interval=interval_methods.PROPORTION, bounds=UNIT, large_fall=LARGE_FALL,
    ),
    Metric(
        "balanced_accuracy", "higher", "multiclass", _class_average(lambda hits, _, rows: safe_divide(hits, rows)),
        class_mean_influence(recall_terms), interval=interval_methods.PROPORTION, basis=rows_of_each_class,
        bounds=UNIT, large_fall=LARGE_FALL,
    ),
    Metric(
        "f1_macro", "higher", "multiclass",
        _class_average(lambda hits, taken, rows: safe_divide(2 * hits, taken + rows)),
        class_mean_influence(f1_terms), interval=interval_methods.PROPORTION, basis=rows_of_each_class,
        bounds=UNIT, large_fall=LARGE_FALL,
    ),
    Metric(
        "roc_auc_ovr", "higher", "multiclass", _roc_auc_ovr, roc_auc_ovr_influence, gain_by_influence=True,
        interval=interval_methods.AUC, basis=rows_of_each_class, bounds=UNIT, large_fall=LARGE_FALL,
    ),
)  # fmt: skip
