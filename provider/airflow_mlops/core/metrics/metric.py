"""The Metric record: everything that the package knows about a metric."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.metrics.clusters import Clusters
from airflow_mlops.core.metrics.function_metric import check_function_metric
from airflow_mlops.core.metrics.types import Array, Direction, InfluenceFunction, Task, WeightedStatistic

IntervalMethod = Callable[["EvaluatedRows", float], tuple[float, float]]
"""(rows, confidence) -> the ends of a two-sided interval."""


def all_rows(target: Array, scores: Array) -> list[Array]:
    """Return one set of rows: all of them."""
    return [np.ones(len(target), bool)]


def rows_of_each_class(target: Array, scores: Array) -> list[Array]:
    """Return the rows of each class."""
    return [target == c for c in np.unique(target)]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of predictions. It takes row weights, so a bootstrap resample is a call with other weights.

    Build a metric of your own with :meth:`from_function` (docs/extending-metrics.md).

    :param name: the key in reports and policies, such as ``roc_auc``.
    :param direction: whether ``higher`` or ``lower`` is better.
    :param task: ``binary`` (n scores: probabilities of the positive class), ``multiclass`` (n x k scores: a
        probability for each class; the target is the class number from 0 on) or ``regression`` (n values).
    :param prepare: (target, scores) of n rows -> a function of weights (n, or k x n) -> a float, or k of them.
        Work that does not depend on the weights, such as sorting, is done once.
    :param influence: (target, scores) -> n influences, on finite rows on which the metric is defined. ``None``: the
        jackknife gives the standard error.
    :param gain_by_influence: whether the gate takes the standard error of a gain from the influence. The jackknife is
        more accurate for ratios with small denominators, such as F1: an interval can use another scale, a gain cannot.
    :param interval: how the confidence interval is computed. ``None``: Student's t on the metric's own scale.
    :param basis: (target, scores) -> the sets of rows on which the metric depends, such as the rows of each class.
    :param bounds: the smallest and the largest possible value.
    :param large_fall: a fall from training rows to gate rows above this is overfitting. ``None``: a ratio decides.
    :param constant_metric: the metric that compares a model with a constant, where a constant is perfect by this one.
    :param aliases: other names, such as those of scikit-learn's scorers.
    :param integer_weights: whether :attr:`prepare` accepts only integer weights.
    """

    name: str
    direction: Direction
    task: Task
    prepare: Callable[[Array, Array], WeightedStatistic]
    influence: InfluenceFunction | None = None
    gain_by_influence: bool = False
    interval: IntervalMethod | None = None
    basis: Callable[[Array, Array], list[Array]] = all_rows
    bounds: tuple[float, float] = (-math.inf, math.inf)
    large_fall: float | None = None
    constant_metric: str | None = None
    aliases: tuple[str, ...] = ()
    integer_weights: bool = False

    @classmethod
    def from_function(
        cls,
        name: str,
        function: Callable[..., Any],
        *,
        direction: Direction,
        task: Task,
        bounds: tuple[float, float] | None = None,
        influence: InfluenceFunction | None = None,
        constant_metric: str | None = None,
    ) -> Metric:
        """Build a metric from a function (target, scores) -> float, as in scikit-learn.

        :param function: it may have a parameter ``sample_weight``. Without it, a row of weight 2 is passed twice and a
            row of weight 0 is omitted.
        :param bounds: the smallest and the largest possible value; ``None``: any number.
        :param influence: (target, scores) -> n influences, instead of the jackknife.
        :raises BadInput: when an argument is not valid.
        """
        fields = check_function_metric(name, function, direction, task, bounds, influence)
        return cls(name, direction, task, constant_metric=constant_metric, **fields)

    def value(self, target: Array, scores: Array) -> float:
        """Return the unweighted value; NaN where undefined: no rows, one class, or a value that is not finite.

        :raises BadInput: when the function of a metric of one's own fails.
        """
        target, scores = np.asarray(target, float), np.asarray(scores, float)
        if not self.is_defined(target, scores):
            return float("nan")
        return float(self.prepare(target, scores)(np.ones(len(target))))

    def value_or_reason(self, target: Array, scores: Array) -> tuple[float, str]:
        """Return the value and an empty text, or NaN and the reason when the metric's function fails."""
        try:
            return self.value(target, scores), ""
        except BadInput as error:
            return float("nan"), error.what

    def is_defined(self, target: Array, scores: Array) -> bool:
        """Check the preconditions of :attr:`prepare`: rows exist, are finite and have the shape of the task."""
        if len(target) == 0 or len(target) != len(scores):
            return False
        if not (np.isfinite(target).all() and np.isfinite(scores).all()):
            return False
        if self.task != "multiclass":
            return bool(scores.ndim == 1) and (self.task == "regression" or bool(((target == 0) | (target == 1)).all()))
        return bool(scores.ndim == 2 and ((target >= 0) & (target < scores.shape[1]) & (target % 1 == 0)).all())

    def gain(self, challenger: float | Array, champion: float | Array) -> Any:
        """Return the improvement over the champion: above 0 the challenger is better, whatever the direction."""
        return (challenger - champion) if self.direction == "higher" else (champion - challenger)


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedRows:
    """Rows on which a metric has a value, for an interval.

    :param metric: the metric.
    :param value: its value.
    :param target: n true values.
    :param scores: n scores, or n x k.
    :param clusters: the clusters of the rows.
    :param counts: the number of clusters in each set of the metric's basis.
    """

    metric: Metric
    value: float
    target: Array
    scores: Array
    clusters: Clusters
    counts: list[int]


def weighted_sum(weights: Array, column: Array) -> Array:
    """Sum a column of n rows under each of k weightings.

    A matrix product may add in another order with another number of threads. This sum gives the same digits everywhere.
    """
    return np.asarray(np.einsum("...i,i->...", weights, column))


def safe_divide(numerator: Array, denominator: Array) -> Array:
    """Divide; NaN where the denominator is not positive."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(numerator / np.where(denominator > 0, denominator, np.nan))


def mean_metric(loss: Callable[[Array, Array], Array], transform: Callable[[Array], Array] = lambda v: v) -> Any:
    """Build a metric that is the weighted mean of a row loss."""

    def prepare(target: Array, scores: Array) -> WeightedStatistic:
        losses = loss(target, scores)

        def weighted(weights: Array) -> Array:
            return transform(safe_divide(weighted_sum(weights, losses), weights.sum(-1)))

        return weighted

    return prepare
