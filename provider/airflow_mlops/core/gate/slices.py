"""Gate checks that the challenger is not worse than the champion in any slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.common.statistics.significance import holm
from airflow_mlops.core.gate.checks import inconclusive_check
from airflow_mlops.core.gate.evidence import Evidence
from airflow_mlops.core.gate.gain import ROUNDING, estimate_gain
from airflow_mlops.core.gate.policy import GatePolicy, SlicePolicy
from airflow_mlops.core.metrics import Array, get_metric
from airflow_mlops.core.metrics.estimate import MetricEstimate
from airflow_mlops.core.metrics.jackknife import Jackknife


@dataclass(frozen=True, slots=True)
class SliceComparison:
    """Comparison of both models in one slice.

    :param name: ``column=value``.
    :param rows: number of rows.
    :param champion: the champion's metric in the slice.
    :param challenger: the challenger's metric in the slice.
    :param gain: the challenger's gain; without a standard error when the slice is too small.
    :param reason: why it is inconclusive; empty when it is conclusive.
    """

    name: str
    rows: int
    champion: float
    challenger: float
    gain: MetricEstimate
    reason: str = ""


def check_slices(champion: Evidence, challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Check every slice, and report the inconclusive ones.

    A slice fails when its gain is significantly below ``-maximum_loss``. One-sided p-values of the paired jackknife are
    adjusted over all slices of all columns (Holm 1979). So the probability that an equal challenger fails in any slice
    is at most ``1 - confidence``.

    :param champion: valid evidence on the challenger's rows in the same order.
    """
    rules = policy.slices or SlicePolicy()
    slices = [
        compare_slice(name, rows, champion, challenger, policy, rules)
        for column in sorted(challenger.slices)
        for name, rows in split_by_value(column, challenger.slices[column])
    ]
    large = [s for s in slices if not s.reason]
    p_values = [s.gain.p_value_below(-rules.maximum_loss - ROUNDING * abs(s.champion)) for s in large]
    checks = [
        _check(s, p, adjusted, len(large), policy, rules)
        for s, p, adjusted in zip(large, p_values, holm(p_values), strict=True)
    ]
    small = [s for s in slices if s.reason]
    checks += [
        Check(f"slice {s.name}", "inconclusive", "info", _observed(s, policy), None, None, s.reason) for s in small
    ]
    return checks + inconclusive_check(
        "slices conclusive", [f"{s.name} ({s.reason})" for s in small], rules.inconclusive
    )


def split_by_value(column: str, values: Array) -> list[tuple[str, Array]]:
    """Return the slices of a column, named ``column=value``, with the numbers of their rows."""
    names, codes = np.unique(np.asarray(values).astype(str), return_inverse=True)
    order, counts = np.argsort(codes, kind="stable"), np.bincount(codes, minlength=len(names))
    rows = np.split(order, np.cumsum(counts)[:-1]) if len(names) else []
    return [(f"{column}={name}", part) for name, part in zip(names, rows, strict=True)]


def compare_slice(
    name: str, rows: Array, champion: Evidence, challenger: Evidence, policy: GatePolicy, rules: SlicePolicy
) -> SliceComparison:
    """Compare both models in a slice, if it has enough rows."""
    m, target = get_metric(policy.metric), np.asarray(challenger.target, float)[rows]
    old, new = (np.asarray(e.scores, float)[rows] for e in (champion, challenger))
    (before, old_failure), (now, new_failure) = (m.value_or_reason(target, scores) for scores in (old, new))
    reason = small_slice_reason(target, m.task != "regression", rules.min_rows, rules.min_positives)
    if not reason and not np.isfinite([before, now]).all():
        reason = old_failure or new_failure or f"{policy.metric} is not defined"
    gain = MetricEstimate(float(m.gain(now, before)), float("nan"), float("nan"))
    if not reason:
        clusters = None if challenger.clusters is None else np.asarray(challenger.clusters)[rows]
        parts = Jackknife(len(rows), clusters, groups=policy.resamples, seed=policy.seed)
        gain = estimate_gain(m.name, target, old, new, parts)
        reason = "" if gain.is_finite else f"{policy.metric} depends on too few rows"
    return SliceComparison(name, len(rows), before, now, gain, reason)


def small_slice_reason(target: Array, classes: bool, min_rows: int, min_positives: int) -> str:
    """Return why rows are too few for a comparison; empty when they are enough.

    :param classes: whether the target is a class; then two classes need ``min_positives`` rows each.
    """
    if len(target) < min_rows:
        return f"{len(target)} rows"
    if not classes:
        return ""
    counts = sorted(np.unique(target, return_counts=True)[1].tolist(), reverse=True)
    if len(counts) < 2:
        return "one class"
    return f"{counts[1]} rows of the second class" if counts[1] < min_positives else ""


def _observed(s: SliceComparison, policy: GatePolicy) -> dict[str, float | int]:
    low, high = s.gain.bounds(policy.confidence)
    both = {"challenger": s.challenger, "champion": s.champion}
    return {"rows": s.rows, **both, "gain": s.gain.value, "low": low, "high": high}


def _check(s: SliceComparison, p: float, adjusted: float, slices: int, policy: GatePolicy, rules: SlicePolicy) -> Check:
    ok = adjusted > 1 - rules.confidence
    message = (
        f"{policy.metric} {s.challenger:.4f}, the champion's {s.champion:.4f}, on {s.rows} rows: worse "
        f"(p = {adjusted:.2g} after Holm over {slices} slices)"
    )
    return Check(
        f"slice {s.name}",
        "pass" if ok else "fail",
        "error",
        _observed(s, policy) | {"p_value": p, "p_adjusted": adjusted},
        f"gain not below {0 - rules.maximum_loss:g}",
        None,
        "" if ok else message,
    )
