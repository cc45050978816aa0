"""The challenger's gain over the champion, with its standard error and the check of the minimum gain."""

from __future__ import annotations

import math

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.gate.evidence import Evidence
from airflow_mlops.core.gate.policy import GatePolicy
from airflow_mlops.core.metrics import Array, get_metric
from airflow_mlops.core.metrics.estimate import MetricEstimate
from airflow_mlops.core.metrics.jackknife import Jackknife
from airflow_mlops.core.metrics.types import WeightedStatistic

ROUNDING = 1e-9  # relative to the metric's value; a smaller gain is a rounding error


def estimate_paired_gain(champion: Evidence, challenger: Evidence, policy: GatePolicy) -> MetricEstimate:
    """Estimate the challenger's paired gain with its standard error.

    :param champion: valid evidence on the challenger's rows in the same order.
    """
    target = np.asarray(challenger.target, float)
    parts = Jackknife(len(target), challenger.clusters, groups=policy.resamples, seed=policy.seed)
    return estimate_gain(policy.metric, target, champion.scores, challenger.scores, parts)


def estimate_gain(
    metric_name: str, target: Array, champion: Array, challenger: Array, parts: Jackknife
) -> MetricEstimate:
    """Estimate the gain in a metric on rows on which it is defined for both models.

    :param parts: the jackknife groups of these rows.
    """
    m = get_metric(metric_name)
    old, new = (np.asarray(scores, float) for scores in (champion, challenger))
    influence = m.influence if m.gain_by_influence else None
    if influence is None:
        return parts.estimate([gain_statistic(metric_name, target, old, new)])[0]
    value = float(m.gain(m.value(target, new), m.value(target, old)))
    return parts.estimate_from_influence(value, m.gain(influence(target, new), influence(target, old)))


def gain_statistic(metric_name: str, target: Array, champion: Array, challenger: Array) -> WeightedStatistic:
    """Return the gain as a function of row weights."""
    m = get_metric(metric_name)
    new, old = m.prepare(target, challenger), m.prepare(target, champion)
    return lambda weights: np.asarray(m.gain(new(weights), old(weights)))


def is_proven(gain: MetricEstimate, metric_value: float, policy: GatePolicy) -> bool:
    """Check whether the gain is above the minimum at the confidence of the policy.

    :param metric_value: the value of the metric, which sets the rounding tolerance.
    """
    low, _ = gain.bounds(policy.confidence)
    return math.isfinite(low) and low > policy.minimum_gain + ROUNDING * abs(metric_value)


def check_gain(gain: MetricEstimate, metric_value: float, policy: GatePolicy) -> Check:
    """Check that the gain is significantly above the minimum."""
    low, high = gain.bounds(policy.confidence)
    ok = is_proven(gain, metric_value, policy)
    message = (
        f"{policy.metric} gain {gain.value:+.4f}, at {policy.confidence:.1%} one-sided "
        f"between {low:+.4f} and {high:+.4f}"
    )
    if gain.value == 0 and gain.standard_error == 0:
        message = f"no difference: champion and challenger have the same {policy.metric} whichever rows are omitted"
    elif not gain.is_finite:
        message = f"{policy.metric} gain {gain.value:+.4f} depends on so few rows that its standard error is unknown"
    elif not ok:
        message += f": not significantly above {policy.minimum_gain:g}"
    observed = {
        "gain": gain.value,
        "low": low,
        "high": high,
        "standard_error": gain.standard_error,
        "degrees_of_freedom": gain.degrees_of_freedom,
    }
    return Check(
        "minimum gain", "pass" if ok else "fail", "error", observed, f"> {policy.minimum_gain:g}", None, message
    )
