"""How sure a metric is: intervals from each row's influence on it, summed over the clusters that rows belong to.

That is the limit of leaving out, or drawing again, single rows at the price of one pass (Efron 1982, chapter 6), on a
scale that fits the figure. The documentation tells how often the intervals hold the truth, beside the bootstrap's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from airflow_mlops.core.metrics import scales
from airflow_mlops.core.metrics.binary import THRESHOLD
from airflow_mlops.core.metrics.calibration import calibration_ends
from airflow_mlops.core.metrics.catalogue import metric
from airflow_mlops.core.metrics.estimate import Estimate
from airflow_mlops.core.metrics.influence import INFLUENCES
from airflow_mlops.core.metrics.metric import Array
from airflow_mlops.core.metrics.units import Units

LEAST = 3  # rows, or clusters, of each class that a figure rests on: with fewer nobody can say how sure it is
FEW = 20
"""Rows, or clusters, of which fewer may agree by chance: the error of an area is not taken for less than usual then."""
_UNKNOWN = math.nan, math.nan
_Basis = Callable[[Array, Array], list[Array]]


def _all(target: Array, scores: Array) -> list[Array]:
    return [np.ones(len(target), bool)]


def _classes(target: Array, scores: Array) -> list[Array]:
    return [target == c for c in np.unique(target)]


_SHARES: dict[str, _Basis] = {
    "accuracy": _all,
    "precision": lambda _, scores: [scores >= THRESHOLD],
    "recall": lambda target, _: [target == 1],
    "accuracy_multiclass": _all,
    "balanced_accuracy": _classes,
    "f1_macro": _classes,
}
_AREAS: dict[str, _Basis] = dict.fromkeys(("roc_auc", "pr_auc", "roc_auc_ovr"), _classes)
_BASES: dict[str, _Basis] = {**_SHARES, **_AREAS, "f1": lambda target, scores: [(scores >= THRESHOLD) | (target == 1)]}
"""Metric -> which rows it rests on: below the line of a share, of each class."""


def intervals(
    names: Sequence[str],
    target: Array,
    scores: Array,
    *,
    clusters: Array | None = None,
    confidence: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Give a two-sided interval of each of some metrics.

    :param names: metrics of one task.
    :param clusters: n values; rows with the same one belong together, such as a customer's weeks.
    :returns: name -> the interval's ends; NaN where the metric is not defined, or rests on fewer than three rows, or
        clusters.
    """
    target, scores = np.asarray(target, float), np.asarray(scores, float)
    units = Units(len(target), clusters)
    return {name: _ends(name, target, scores, units, confidence) for name in names}


def interval(
    name: str, target: Array, scores: Array, *, clusters: Array | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """Give an interval of one metric, as :func:`intervals` does."""
    return intervals([name], target, scores, clusters=clusters, confidence=confidence)[name]


def _ends(name: str, target: Array, scores: Array, units: Units, confidence: float) -> tuple[float, float]:
    value = metric(name).value(target, scores)
    if not math.isfinite(value):
        return _UNKNOWN
    basis = _BASES.get(name, _all)(target, scores)
    trials = min(units.having(rows) for rows in basis)
    if trials < LEAST:
        return _UNKNOWN
    if name == "calibration_error":
        return calibration_ends(target, scores, units, confidence)
    estimate = Estimate.of(value, units.sums(INFLUENCES[name](target, scores)) / units.rows)
    if name == "roc_auc" and trials < FEW:
        estimate = _no_surer_than_usual(estimate, *(units.having(rows) for rows in basis))
    return _on_its_scale(name, estimate, trials, confidence)


def _on_its_scale(name: str, estimate: Estimate, trials: int, confidence: float) -> tuple[float, float]:
    if name in _SHARES:
        return scales.of_share(estimate, trials, confidence)
    if name in _AREAS:
        return scales.of_area(estimate, trials, confidence)
    if name == "f1":
        return scales.of_f1(estimate, trials, confidence)
    return scales.of_explained(estimate, confidence) if name == "r2" else scales.of_loss(estimate, confidence)


def _no_surer_than_usual(estimate: Estimate, negatives: int, positives: int) -> Estimate:
    """Give an area's estimate with the error of Hanley and McNeil (1982) where that is larger.

    It follows from the area and the numbers of both classes alone: four positives that happen to be scored alike seem
    surer than they are.
    """
    area = estimate.value
    theirs, ours = area / (2 - area) - area**2, 2 * area**2 / (1 + area) - area**2
    variance = area * (1 - area) + (positives - 1) * theirs + (negatives - 1) * ours
    usual = math.sqrt(max(0.0, variance) / (positives * negatives))
    return estimate if estimate.error >= usual else Estimate(area, usual, positives + negatives - 2.0)
