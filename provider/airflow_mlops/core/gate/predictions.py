"""Gate checks on the difference between the challenger's and the champion's predictions."""

from __future__ import annotations

import math

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.gate.checks import check
from airflow_mlops.core.gate.evidence import Evidence
from airflow_mlops.core.gate.policy import GatePolicy
from airflow_mlops.core.metrics import Array


def check_predictions(champion: Evidence, challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Check mean shift and correlation against their bounds; with several classes, the worst class counts.

    :param champion: valid evidence on the challenger's rows in the same order.
    """
    rules = policy.predictions
    if rules is None:
        return []
    pairs = list(zip(_columns(champion.scores), _columns(challenger.scores), strict=True))
    checks = []
    if rules.max_shift is not None:
        worst = _worst([mean_shift(old, new) for old, new in pairs], max)
        message = f"the mean moved by {worst:.3g} champion standard deviations, at most {rules.max_shift:g} is allowed"
        ok = math.isfinite(worst) and worst <= rules.max_shift
        checks.append(_check(ok, {"shift": worst}, f"shift <= {rules.max_shift:g}", challenger, message))
    if rules.min_correlation is not None:
        worst = _worst([pearson_correlation(old, new) for old, new in pairs], min)
        message = f"the correlation with the champion is {worst:.3f}, at least {rules.min_correlation:g} is required"
        if math.isnan(worst):
            message = "the correlation with the champion is not defined: one of the two does not vary"
        ok = math.isfinite(worst) and worst >= rules.min_correlation
        checks.append(_check(ok, {"correlation": worst}, f">= {rules.min_correlation:g}", challenger, message))
    return checks


def mean_shift(old: Array, new: Array) -> float:
    """Return the shift of the mean in standard deviations of ``old``; infinite when ``old`` is constant."""
    difference, deviation = abs(float(new.mean()) - float(old.mean())), float(old.std())
    if difference == 0:
        return 0.0
    return difference / deviation if _varies(old) else math.inf


def pearson_correlation(old: Array, new: Array) -> float:
    """Return Pearson's correlation; NaN when one of the two is constant."""
    if not (_varies(old) and _varies(new)):
        return math.nan
    a, b = new - new.mean(), old - old.mean()
    return float((a * b).sum()) / math.sqrt(float((a**2).sum()) * float((b**2).sum()))


def _varies(scores: Array) -> bool:
    """Check whether scores differ; by rounding, the deviation of equal scores need not be exactly 0."""
    return bool((scores != scores[0]).any())


def _columns(scores: Array) -> list[Array]:
    scores = np.asarray(scores, float)
    return [scores] if scores.ndim == 1 else list(scores.T)


def _worst(values: list[float], worst: object) -> float:
    if any(math.isnan(v) for v in values):
        return math.nan
    return float(worst(values))  # type: ignore[operator]


def _check(ok: bool, observed: dict[str, float], expected: str, challenger: Evidence, message: str) -> Check:
    return check("predictions changed", ok, observed, expected, challenger.subject, message)
