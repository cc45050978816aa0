"""Bounds that a challenger has to keep whoever the champion is: floors, budgets, self-tests."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airflow_mlops.core.evaluation.gate.checks import check, unjudged
from airflow_mlops.core.evaluation.gate.evidence import Evidence
from airflow_mlops.core.evaluation.gate.jackknife import Jackknife
from airflow_mlops.core.evaluation.gate.policy import GatePolicy
from airflow_mlops.core.metrics import metric
from airflow_mlops.core.report import Check


def bound_checks(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Hold the challenger against every bound of its own."""
    return [
        _varies(challenger),
        *_floors(challenger, policy),
        *_budgets(challenger, policy),
        *_self_tests(challenger),
    ]


def _varies(challenger: Evidence) -> Check:
    """A model that says the same of everybody has learnt nothing, whatever the champion does."""
    scores = np.asarray(challenger.scores, float)
    good = bool((scores != scores[:1]).any())
    said = "the scores are the same on every row"
    return check("scores vary", good, good, True, challenger.subject, said)


def _floors(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    target, scores = np.asarray(challenger.target, float), np.asarray(challenger.scores, float)
    names = sorted(policy.floors)
    parts = Jackknife(len(target), challenger.clusters, parts=policy.resamples, seed=policy.seed)
    found = parts.estimates([metric(name).prepare(target, scores) for name in names]) if names else []
    checks = []
    for name, figure in zip(names, found, strict=True):
        floor, higher = policy.floors[name], metric(name).direction == "higher"
        low, high = figure.bounds(policy.confidence)
        good = math.isfinite(figure.value) and (figure.value >= floor if higher else figure.value <= floor)
        asked = f"{'>=' if higher else '<='} {floor:g}"
        observed = {"value": figure.value, "low": low, "high": high, "rows": len(target)}
        said = f"{name} {figure.value:.4f}, asked {asked}"
        checks.append(check(f"floor {name}", good, observed, asked, challenger.subject, said))
    return checks


def _budgets(challenger: Evidence, policy: GatePolicy) -> list[Check]:
    checks = []
    for name in sorted(policy.budgets):
        limit, value = policy.budgets[name], measured(challenger.facts.get(name))
        good = value is not None and value <= limit
        said = f"{name} was not measured" if value is None else f"{name} {value:g} is over the budget of {limit:g}"
        observed = challenger.facts.get(name) if value is None else value
        checks.append(check(f"budget {name}", good, observed, f"<= {limit:g}", challenger.subject, said))
    return checks


def measured(value: Any) -> float | None:
    """Give a finite number; one that is not finite comes back from the store as its name: "nan"."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _self_tests(challenger: Evidence) -> list[Check]:
    """Tell each self-test; whatever is neither passed nor openly not judged has failed."""
    checks, silent = [], []
    for name, status in sorted((challenger.self_tests or {}).items()):
        where = challenger.subject
        if status == "not_judged":
            silent.append(name)
            checks.append(Check(f"self-test {name}", "not_judged", "info", status, "pass", where, "not judged"))
        else:
            checks.append(
                check(f"self-test {name}", status == "pass", status, "pass", where, f"the self-test {name} failed")
            )
    return checks + unjudged("self-tests judged", silent, "tell")
