"""Metrics of binary classification. Metrics of decisions predict the positive class from a score of 0.5 on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from airflow_mlops.core.metrics import interval_methods
from airflow_mlops.core.metrics.builders import LARGE_FALL, UNIT, mean_loss
from airflow_mlops.core.metrics.calibration import calibration_error, calibration_interval
from airflow_mlops.core.metrics.influence import (
    RatioTerms,
    f1_terms,
    mean_influence,
    pr_auc_influence,
    precision_terms,
    ratio_influence,
    recall_terms,
    roc_auc_influence,
)
from airflow_mlops.core.metrics.losses import brier, log_loss
from airflow_mlops.core.metrics.metric import Metric, mean_metric, rows_of_each_class, safe_divide, weighted_sum
from airflow_mlops.core.metrics.ranking import pr_auc, roc_auc
from airflow_mlops.core.metrics.types import Array, InfluenceFunction, WeightedStatistic

THRESHOLD = 0.5


def _decision_metric(ratio: Callable[[Array, Array, Array], Array]) -> Callable[[Array, Array], WeightedStatistic]:
    """Build a metric from the weights of true positives, of predicted positives and of actual positives."""

    def prepare(target: Array, scores: Array) -> WeightedStatistic:
        predicted, positive = (scores >= THRESHOLD).astype(float), target
        hit = predicted * positive

        def weighted(weights: Array) -> Array:
            return ratio(*(weighted_sum(weights, column) for column in (hit, predicted, positive)))

        return weighted

    return prepare


def _decision_influence(terms: RatioTerms) -> InfluenceFunction:
    """Return the influence function of a ratio of decisions."""

    def influence(target: Array, scores: Array) -> Array:
        return ratio_influence(*terms((scores >= THRESHOLD).astype(float), target))

    return influence


def correct_decisions(target: Array, scores: Array) -> Array:
    """Return 1 for each row with a correct decision, else 0."""
    return np.asarray((scores >= THRESHOLD) == (target > 0.5), float)


def _f1(true_positives: Array, predicted: Array, positives: Array) -> Array:
    return safe_divide(2 * true_positives, np.where(positives > 0, predicted + positives, 0))


BINARY = (
    Metric(
        "roc_auc", "higher", "binary", roc_auc, roc_auc_influence, gain_by_influence=True,
        interval=interval_methods.roc_auc_interval, basis=rows_of_each_class, bounds=UNIT, large_fall=LARGE_FALL,
    ),
    Metric(
        "pr_auc", "higher", "binary", pr_auc, pr_auc_influence, gain_by_influence=True,
        interval=interval_methods.AUC, basis=rows_of_each_class, bounds=UNIT, large_fall=LARGE_FALL,
        aliases=("average_precision",),
    ),
    mean_loss("log_loss", "binary", log_loss, gain_by_influence=True, aliases=("neg_log_loss",)),
    mean_loss("brier", "binary", brier, gain_by_influence=True, aliases=("neg_brier_score",)),
    Metric(
        "accuracy", "higher", "binary", mean_metric(correct_decisions), mean_influence(correct_decisions),
        gain_by_influence=True, interval=interval_methods.PROPORTION, bounds=UNIT, large_fall=LARGE_FALL,
    ),
    Metric(
        "f1", "higher", "binary", _decision_metric(_f1), _decision_influence(f1_terms),
        interval=interval_methods.F1, basis=lambda target, scores: [(scores >= THRESHOLD) | (target == 1)],
        bounds=UNIT, large_fall=LARGE_FALL,
    ),
    Metric(
        "precision", "higher", "binary", _decision_metric(lambda hits, predicted, _: safe_divide(hits, predicted)),
        _decision_influence(precision_terms), interval=interval_methods.PROPORTION,
        basis=lambda _, scores: [scores >= THRESHOLD], bounds=UNIT, large_fall=LARGE_FALL,
    ),
    Metric(
        "recall", "higher", "binary", _decision_metric(lambda hits, _, positives: safe_divide(hits, positives)),
        _decision_influence(recall_terms), interval=interval_methods.PROPORTION,
        basis=lambda target, _: [target == 1], bounds=UNIT, large_fall=LARGE_FALL, constant_metric="roc_auc",
    ),
    # It has no influence: it is not differentiable where scores and outcomes agree in a bin.
    Metric(
        "calibration_error", "lower", "binary", calibration_error, interval=calibration_interval, bounds=UNIT,
        constant_metric="roc_auc",
    ),
)  # fmt: skip
