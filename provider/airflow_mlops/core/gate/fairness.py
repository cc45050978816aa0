"""Gate checks on fairness gaps between the groups of a protected attribute."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from airflow_mlops.common.report import Check, Severity, Status
from airflow_mlops.core.gate.checks import inconclusive_check
from airflow_mlops.core.gate.evidence import Evidence
from airflow_mlops.core.gate.policy import FairnessPolicy, GatePolicy
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.metrics.jackknife import Jackknife
from airflow_mlops.core.metrics.types import WeightedStatistic

GroupRate = tuple[Array, Array]  # n indicators of the numerator, and n of the denominator


def check_fairness(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Check the gaps between the groups of each attribute against their bounds.

    A gap is the largest difference between two groups that are large enough. The check uses the observed gap; its
    confidence bounds are informative.

    :param challenger: valid evidence with each attribute that the policy names.
    """
    return [
        check
        for attribute in sorted(policy.fairness)
        for check in _attribute_checks(attribute, challenger, policy.fairness[attribute], policy)
    ]


def _attribute_checks(attribute: str, challenger: Evidence, rules: FairnessPolicy, policy: GatePolicy) -> list[Check]:
    groups = np.asarray(challenger.groups[attribute]).astype(str)
    rates = group_rates(np.asarray(challenger.target, float), np.asarray(challenger.scores, float), rules.threshold)
    parts = Jackknife(len(groups), challenger.clusters, groups=policy.resamples, seed=policy.seed)
    checks: list[Check] = []
    small: dict[str, str] = {}
    for name, bound, min_class_rows in (
        ("demographic parity", rules.demographic_parity, 1),
        ("equalised odds", rules.equalised_odds, rules.min_positives),
    ):
        if bound is None:
            continue
        large, excluded = _partition_by_size(groups, rates[name], min_class_rows, rules.min_rows)
        small |= excluded
        gap = parts.estimate([largest_gap(groups, large, rates[name])])[0] if len(large) > 1 else None
        if gap is None or not math.isfinite(gap.value):
            message = "fewer than two groups are large enough"
            checks.append(_check(attribute, name, "inconclusive", None, bound, message))
            continue
        low, high = gap.bounds(policy.confidence)
        observed: dict[str, Any] = {"gap": gap.value, "low": low, "high": high, "rows": len(groups)}
        observed |= {f"rate of {group}": _group_rates(groups == group, rates[name]) for group in large}
        message = f"{name}: a gap of {gap.value:.3f} between groups, at most {bound:g} is allowed"
        ok = gap.value <= bound
        checks.append(_check(attribute, name, "pass" if ok else "fail", observed, bound, "" if ok else message))
    inconclusive = [f"{attribute}={group} ({reason})" for group, reason in small.items()]
    if not inconclusive and any(c.status == "inconclusive" for c in checks):
        inconclusive = [f"{attribute} (one group)"]
    return checks + inconclusive_check(f"fairness {attribute} conclusive", inconclusive, rules.inconclusive)


def _check(attribute: str, rule: str, status: Status, observed: object, bound: float, message: str) -> Check:
    severity: Severity = "info" if status == "inconclusive" else "error"
    where, expected = f"group {attribute}", f"{rule} <= {bound:g}"
    return Check(f"fairness {attribute}", status, severity, observed, expected, where, message)


def group_rates(target: Array, scores: Array, threshold: float) -> dict[str, list[GroupRate]]:
    """Return the rates that each fairness rule compares, as row indicators.

    Demographic parity compares the rate of positive decisions; equalised odds the true and the false positive rate
    (Hardt, Price and Srebro 2016). With several classes, each class counts as the positive one in turn.
    """
    if scores.ndim == 1:
        predicted, actual = [scores >= threshold], [target == 1]
    else:
        top_class = scores.argmax(axis=1)
        predicted = [top_class == c for c in range(scores.shape[1])]
        actual = [target == c for c in range(scores.shape[1])]
    all_rows = np.ones(len(target), bool)
    odds = [(p & a, a) for p, a in zip(predicted, actual, strict=True)]
    odds += [(p & ~a, ~a) for p, a in zip(predicted, actual, strict=True)]
    return {"demographic parity": [(p, all_rows) for p in predicted], "equalised odds": odds}


def largest_gap(groups: Array, compared: list[str], rates: list[GroupRate]) -> WeightedStatistic:
    """Return the largest difference of a rate between two groups, as a function of row weights."""
    members = [groups == group for group in compared]

    def rate(numerator: Array, denominator: Array) -> Callable[[Array], Array]:
        counted, base = numerator.astype(float), denominator.astype(float)

        def weighted(weights: Array) -> Array:
            total = np.einsum("...i,i->...", weights, base)
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray(np.einsum("...i,i->...", weights, counted) / np.where(total > 0, total, np.nan))

        return weighted

    by_rate = [[rate(n & m, d & m) for m in members] for n, d in rates]

    def weighted(weights: Array) -> Array:
        gaps = [np.ptp(np.stack([group_rate(weights) for group_rate in by_group]), axis=0) for by_group in by_rate]
        return np.asarray(np.max(gaps, axis=0))

    return weighted


def _partition_by_size(
    groups: Array, rates: list[GroupRate], min_class_rows: int, min_rows: int
) -> tuple[list[str], dict[str, str]]:
    """Return the groups with enough rows, and the other groups with the reason for their exclusion."""
    large, small = [], {}
    for group in np.unique(groups).tolist():
        member = groups == group
        fewest = min(int((denominator & member).sum()) for _, denominator in rates)
        if member.sum() < min_rows:
            small[group] = f"{int(member.sum())} rows"
        elif fewest < min_class_rows:
            small[group] = f"{fewest} rows of a class"
        else:
            large.append(group)
    return large, small


def _group_rates(member: Array, rates: list[GroupRate]) -> list[float]:
    return [round(float((n & member).sum() / max(1, (d & member).sum())), 4) for n, d in rates]
