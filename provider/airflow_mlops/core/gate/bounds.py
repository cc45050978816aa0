"""Gate checks that do not depend on the champion: metric floors, budgets, model tests."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.gate.checks import check, inconclusive_check
from airflow_mlops.core.gate.evidence import Evidence
from airflow_mlops.core.gate.policy import GatePolicy
from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.metrics.jackknife import Jackknife


def check_bounds(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Check the challenger against floors, budgets and model tests."""
    return [
        _varies(challenger),
        *_floor_checks(challenger, policy),
        *_budget_checks(challenger, policy),
        *_model_test_checks(challenger),
    ]


def _varies(challenger: Evidence) -> Check:
    """Check that the scores vary: a constant model has learnt nothing, however bad the champion is."""
    scores = np.asarray(challenger.scores, float)
    ok = bool((scores != scores[:1]).any())
    return check("scores vary", ok, ok, True, challenger.subject, "the scores are the same on every row")


def _floor_checks(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    target, scores = np.asarray(challenger.target, float), np.asarray(challenger.scores, float)
    names = sorted(policy.floors)
    parts = Jackknife(len(target), challenger.clusters, groups=policy.resamples, seed=policy.seed)
    estimates = parts.estimate([get_metric(name).prepare(target, scores) for name in names]) if names else []
    checks = []
    for name, estimate in zip(names, estimates, strict=True):
        floor, higher = policy.floors[name], get_metric(name).direction == "higher"
        low, high = estimate.bounds(policy.confidence)
        ok = math.isfinite(estimate.value) and (estimate.value >= floor if higher else estimate.value <= floor)
        expected = f"{'>=' if higher else '<='} {floor:g}"
        observed = {"value": estimate.value, "low": low, "high": high, "rows": len(target)}
        message = f"{name} {estimate.value:.4f}, required {expected}"
        checks.append(check(f"floor {name}", ok, observed, expected, challenger.subject, message))
    return checks


def _budget_checks(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    checks = []
    for name in sorted(policy.budgets):
        limit, value = policy.budgets[name], finite_or_none(challenger.facts.get(name))
        ok = value is not None and value <= limit
        message = f"{name} was not measured" if value is None else f"{name} {value:g} is over the budget of {limit:g}"
        observed = challenger.facts.get(name) if value is None else value
        checks.append(check(f"budget {name}", ok, observed, f"<= {limit:g}", challenger.subject, message))
    return checks


def finite_or_none(value: Any) -> float | None:
    """Return a finite number, else ``None``; the store returns non-finite numbers as text, such as "nan"."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _model_test_checks(challenger: Evidence) -> list[Check]:
    """Report each model test; any status other than ``pass`` and ``inconclusive`` counts as failed."""
    checks, inconclusive = [], []
    for name, status in sorted((challenger.self_tests or {}).items()):
        where = challenger.subject
        if status == "inconclusive":
            inconclusive.append(name)
            checks.append(Check(f"model test {name}", "inconclusive", "info", status, "pass", where, "inconclusive"))
        else:
            checks.append(
                check(f"model test {name}", status == "pass", status, "pass", where, f"the model test {name} failed")
            )
    return checks + inconclusive_check("model tests conclusive", inconclusive, "warn")
