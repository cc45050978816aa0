"""Confidence intervals on a variance-stabilising scale that respects the range of the metric.

The error of a proportion of few rows, of an AUC near one or of a mean of skewed losses is skewed. A symmetric interval
is wrong on one side. Quantiles are Student's t, because the standard error is estimated.
"""

from __future__ import annotations

import math

from airflow_mlops.common.statistics import student_t
from airflow_mlops.core.metrics.estimate import MetricEstimate

IntervalEnds = tuple[float, float]
_MAX_EXPONENT = 700.0  # more would overflow


def proportion_interval(estimate: MetricEstimate, trials: int, confidence: float) -> IntervalEnds:
    """Return the interval of a proportion, such as accuracy: Wilson's score interval (1927).

    Its number of trials is the effective sample size: that of independent trials with the same standard error, as for
    clustered surveys (Korn and Graubard 1998).

    :param estimate: between 0 and 1.
    :param trials: the number of trials, used when all outcomes are equal and the standard error is zero.
    """
    p, t = min(1.0, max(0.0, estimate.value)), _t_quantile(estimate, confidence)
    varies = estimate.standard_error > 0 and 0 < p < 1
    n = p * (1 - p) / estimate.standard_error**2 if varies else trials
    middle = (n * p + t * t / 2) / (n + t * t)
    half = t * math.sqrt(n * p * (1 - p) + t * t / 4) / (n + t * t)
    return min(p, max(0.0, middle - half)), max(p, min(1.0, middle + half))


def auc_interval(estimate: MetricEstimate, trials: int, confidence: float) -> IntervalEnds:
    """Return the interval of an AUC on the log-odds scale (Pepe 2003, section 5.2; Boyd, Eng and Page 2013).

    :param estimate: between 0 and 1.
    :param trials: rows of the smaller class, used when the standard error is zero, as for a proportion.
    """
    auc = estimate.value
    if not (estimate.standard_error > 0 and 0 < auc < 1):
        return proportion_interval(estimate, trials, confidence)
    odds, margin = (
        math.log(auc / (1 - auc)),
        _t_quantile(estimate, confidence) * estimate.standard_error / (auc * (1 - auc)),
    )
    return _from_log_odds(odds - margin), _from_log_odds(odds + margin)


def f1_interval(estimate: MetricEstimate, trials: int, confidence: float) -> IntervalEnds:
    """Return the interval of F1 from that of a proportion (Lam, Gopal and Qian 2023, Wilson indirect).

    Of the rows that are positive or predicted positive, the proportion F1 / (2 - F1) are both.

    :param trials: the number of these rows, used when the standard error is zero.
    """
    value = estimate.value
    proportion = MetricEstimate(
        value / (2 - value), 2 * estimate.standard_error / (2 - value) ** 2, estimate.degrees_of_freedom
    )
    low, high = proportion_interval(proportion, trials, confidence)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def loss_interval(estimate: MetricEstimate, confidence: float) -> IntervalEnds:
    """Return the interval of a mean loss, or of its root, on the log scale."""
    if estimate.standard_error == 0:
        return estimate.value, estimate.value
    exponent = _t_quantile(estimate, confidence) * estimate.standard_error / estimate.value
    factor = math.exp(min(_MAX_EXPONENT, exponent))
    return estimate.value / factor, estimate.value * factor


def r2_interval(estimate: MetricEstimate, confidence: float) -> IntervalEnds:
    """Return the interval of R2 from that of the unexplained proportion, which is a ratio of mean losses."""
    low, high = loss_interval(
        MetricEstimate(1 - estimate.value, estimate.standard_error, estimate.degrees_of_freedom), confidence
    )
    return 1 - high, 1 - low


def _t_quantile(estimate: MetricEstimate, confidence: float) -> float:
    return student_t.quantile((1 + confidence) / 2, estimate.degrees_of_freedom)


def _from_log_odds(odds: float) -> float:
    part = math.exp(-min(_MAX_EXPONENT, abs(odds)))
    return 1 / (1 + part) if odds >= 0 else part / (1 + part)
