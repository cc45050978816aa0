"""Do decisions differ between the groups of a protected attribute by more than the policy allows?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from airflow_mlops.core.evaluation.gate.checks import unjudged
from airflow_mlops.core.evaluation.gate.evidence import Evidence
from airflow_mlops.core.evaluation.gate.jackknife import Figure, Jackknife
from airflow_mlops.core.evaluation.gate.policy import FairnessPolicy, GatePolicy
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.report import Check, Severity, Status

Rate = tuple[Array, Array]  # n indicators of what is counted, and of the rows among which it is


def fairness_checks(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Hold the gaps between the groups of each attribute against their bounds.

    A gap is the largest difference between two groups that are large enough. It is held as it was seen: its bounds are
    for people to look at.

    :param challenger: sound, and with each attribute that the policy names.
    """
    return [
        check
        for attribute in sorted(policy.fairness)
        for check in _of_attribute(attribute, challenger, policy.fairness[attribute], policy)
    ]


def _of_attribute(attribute: str, challenger: Evidence, rules: FairnessPolicy, policy: GatePolicy) -> list[Check]:
    groups = np.asarray(challenger.groups[attribute]).astype(str)
    rates = rates_of(np.asarray(challenger.target, float), np.asarray(challenger.scores, float), rules.threshold)
    parts = Jackknife(len(groups), challenger.clusters, parts=policy.resamples, seed=policy.seed)
    checks: list[Check] = []
    small: dict[str, str] = {}
    for name, bound, least in (
        ("demographic parity", rules.demographic_parity, 1),
        ("equalised odds", rules.equalised_odds, rules.min_positives),
    ):
        if bound is None:
            continue
        judged, left_out = _large_enough(groups, rates[name], least, rules.min_rows)
        small |= left_out
        gap = parts.estimates([gap_of(groups, judged, rates[name])])[0] if len(judged) > 1 else None
        if gap is None or not math.isfinite(gap.value):
            said = "fewer than two groups are large enough"
            checks.append(_told(attribute, name, "not_judged", None, bound, said))
            continue
        low, high = gap.bounds(policy.confidence)
        observed: dict[str, Any] = {"gap": gap.value, "low": low, "high": high, "rows": len(groups)}
        observed |= {f"rate of {group}": _rate(groups == group, rates[name]) for group in judged}
        said = f"{name}: a gap of {gap.value:.3f} between groups, at most {bound:g} is allowed"
        good = gap.value <= bound
        checks.append(_told(attribute, name, "pass" if good else "fail", observed, bound, "" if good else said))
    told = [f"{attribute}={group} ({why})" for group, why in small.items()]
    if not told and any(c.status == "not_judged" for c in checks):
        told = [f"{attribute} (one group)"]
    return checks + unjudged(f"fairness {attribute} judged", told, rules.not_judged)


def _told(attribute: str, rule: str, status: Status, observed: object, bound: float, said: str) -> Check:
    severity: Severity = "info" if status == "not_judged" else "error"
    where, expected = f"group {attribute}", f"{rule} <= {bound:g}"
    return Check(f"fairness {attribute}", status, severity, observed, expected, where, said)


def rates_of(target: Array, scores: Array, threshold: float) -> dict[str, list[Rate]]:
    """Give what each rule compares between groups, as indicators by row.

    Demographic parity compares the share that is decided for; equalised odds the rates of true and of false positives
    (Hardt, Price and Srebro 2016). Of several classes each is taken in turn.
    """
    if scores.ndim == 1:
        decided, actual = [scores >= threshold], [target == 1]
    else:
        taken = scores.argmax(axis=1)
        decided = [taken == c for c in range(scores.shape[1])]
        actual = [target == c for c in range(scores.shape[1])]
    everybody = np.ones(len(target), bool)
    odds = [(d & a, a) for d, a in zip(decided, actual, strict=True)]
    odds += [(d & ~a, ~a) for d, a in zip(decided, actual, strict=True)]
    return {"demographic parity": [(d, everybody) for d in decided], "equalised odds": odds}


def gap_of(groups: Array, judged: list[str], rates: list[Rate]) -> Figure:
    """Give the largest difference of a rate between two groups, as a function of row weights."""
    members = [groups == group for group in judged]

    def rate(part: Array, whole: Array) -> Callable[[Array], Array]:
        counted, among = part.astype(float), whole.astype(float)

        def weighted(weights: Array) -> Array:
            total = np.einsum("...i,i->...", weights, among)
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray(np.einsum("...i,i->...", weights, counted) / np.where(total > 0, total, np.nan))

        return weighted

    figures = [[rate(part & m, whole & m) for m in members] for part, whole in rates]

    def weighted(weights: Array) -> Array:
        gaps = [np.ptp(np.stack([figure(weights) for figure in of]), axis=0) for of in figures]
        return np.asarray(np.max(gaps, axis=0))

    return weighted


def _large_enough(groups: Array, rates: list[Rate], least: int, min_rows: int) -> tuple[list[str], dict[str, str]]:
    """Tell the groups with enough rows, among which enough can be counted, from those without: these with a reason."""
    judged, small = [], {}
    for group in np.unique(groups).tolist():
        member = groups == group
        fewest = min(int((whole & member).sum()) for _, whole in rates)
        if member.sum() < min_rows:
            small[group] = f"{int(member.sum())} rows"
        elif fewest < least:
            small[group] = f"{fewest} rows of a class"
        else:
            judged.append(group)
    return judged, small


def _rate(member: Array, rates: list[Rate]) -> list[float]:
    return [round(float((part & member).sum() / max(1, (whole & member).sum())), 4) for part, whole in rates]
