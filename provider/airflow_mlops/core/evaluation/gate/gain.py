"""Is the challenger better than the champion, beyond what chance does?"""

from __future__ import annotations

import math

import numpy as np

from airflow_mlops.core.evaluation.gate.evidence import Evidence
from airflow_mlops.core.evaluation.gate.influence import INFLUENCES
from airflow_mlops.core.evaluation.gate.jackknife import Figure, Jackknife
from airflow_mlops.core.evaluation.gate.policy import GatePolicy
from airflow_mlops.core.metrics import Array, metric
from airflow_mlops.core.metrics.estimate import Estimate
from airflow_mlops.core.report import Check

ROUNDING = 1e-9  # parts of the metric's size: a smaller gain is none


def paired_gain(champion: Evidence, challenger: Evidence, policy: GatePolicy) -> Estimate:
    """Give the challenger's gain, both models weighted by the same rows, with its standard error.

    :param champion: sound, on the challenger's rows in the same order.
    """
    target = np.asarray(challenger.target, float)
    parts = Jackknife(len(target), challenger.clusters, parts=policy.resamples, seed=policy.seed)
    return gain_of(policy.metric, target, champion.scores, challenger.scores, parts)


def gain_of(name: str, target: Array, champion: Array, challenger: Array, parts: Jackknife) -> Estimate:
    """Give the gain in a metric on some rows, where it is defined for both models.

    :param parts: the parts of these rows.
    """
    m = metric(name)
    theirs, ours = (np.asarray(scores, float) for scores in (champion, challenger))
    influence = INFLUENCES.get(name)
    if influence is None:
        return parts.estimates([difference(name, target, theirs, ours)])[0]
    value = float(m.gain(m.value(target, ours), m.value(target, theirs)))
    return parts.from_influence(value, m.gain(influence(target, ours), influence(target, theirs)))


def difference(name: str, target: Array, champion: Array, challenger: Array) -> Figure:
    """Give the gain as a function of row weights."""
    m = metric(name)
    ours, theirs = m.prepare(target, challenger), m.prepare(target, champion)
    return lambda weights: np.asarray(m.gain(ours(weights), theirs(weights)))


def proven(gain: Estimate, size: float, policy: GatePolicy) -> bool:
    """Say whether the gain is above the minimum, as surely as the policy asks.

    :param size: the metric's own size: a gain of its last digits is rounding, not a gain.
    """
    low, _ = gain.bounds(policy.confidence)
    return math.isfinite(low) and low > policy.minimum_gain + ROUNDING * abs(size)


def gain_check(gain: Estimate, size: float, policy: GatePolicy) -> Check:
    """Say what was gained, and whether that is proven."""
    low, high = gain.bounds(policy.confidence)
    good = proven(gain, size, policy)
    said = (
        f"{policy.metric} gain {gain.value:+.4f}, at {policy.confidence:.1%} one-sided "
        f"between {low:+.4f} and {high:+.4f}"
    )
    if gain.value == 0 and gain.error == 0:
        said = f"no difference: champion and challenger have the same {policy.metric} whichever rows are left out"
    elif not gain.known:
        said = f"{policy.metric} gain {gain.value:+.4f}, which hangs on so few rows that nobody can say how sure it is"
    elif not good:
        said += f": not proven to be above {policy.minimum_gain:g}"
    observed = {
        "gain": gain.value,
        "low": low,
        "high": high,
        "standard_error": gain.error,
        "degrees_of_freedom": gain.freedom,
    }
    return Check(
        "minimum gain", "pass" if good else "fail", "error", observed, f"> {policy.minimum_gain:g}", None, said
    )
