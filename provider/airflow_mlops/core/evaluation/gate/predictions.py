"""How far the challenger's predictions are from the champion's: a model may be better and still be too different."""

from __future__ import annotations

import math

import numpy as np

from airflow_mlops.core.evaluation.gate.checks import check
from airflow_mlops.core.evaluation.gate.evidence import Evidence
from airflow_mlops.core.evaluation.gate.policy import GatePolicy
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.report import Check


def prediction_checks(champion: Evidence, challenger: Evidence, policy: GatePolicy) -> list[Check]:
    """Hold the shift of the mean and the correlation against their bounds; of several classes the worst counts.

    :param champion: sound, on the challenger's rows in the same order.
    """
    rules = policy.predictions
    if rules is None:
        return []
    pairs = list(zip(_columns(champion.scores), _columns(challenger.scores), strict=True))
    checks = []
    if rules.max_shift is not None:
        found = _worst([shift(old, new) for old, new in pairs], max)
        said = f"the mean moved by {found:.3g} standard deviations of the champion's, allowed are {rules.max_shift:g}"
        good = math.isfinite(found) and found <= rules.max_shift
        checks.append(_check(good, {"shift": found}, f"shift <= {rules.max_shift:g}", challenger, said))
    if rules.min_correlation is not None:
        found = _worst([correlation(old, new) for old, new in pairs], min)
        said = f"the correlation with the champion's is {found:.3f}, asked are {rules.min_correlation:g}"
        if math.isnan(found):
            said = "the correlation with the champion's is not defined: one of the two does not vary"
        good = math.isfinite(found) and found >= rules.min_correlation
        checks.append(_check(good, {"correlation": found}, f">= {rules.min_correlation:g}", challenger, said))
    return checks


def shift(old: Array, new: Array) -> float:
    """Give how far the mean moved, in standard deviations of the old; infinite where those did not vary."""
    moved, spread = abs(float(new.mean()) - float(old.mean())), float(old.std())
    if moved == 0:
        return 0.0
    return moved / spread if _varies(old) else math.inf


def correlation(old: Array, new: Array) -> float:
    """Give Pearson's correlation; NaN where one of the two does not vary."""
    if not (_varies(old) and _varies(new)):
        return math.nan
    ours, theirs = new - new.mean(), old - old.mean()
    return float((ours * theirs).sum()) / math.sqrt(float((ours**2).sum()) * float((theirs**2).sum()))


def _varies(scores: Array) -> bool:
    """Say whether scores differ; the deviation of equal ones need not be exactly 0."""
    return bool((scores != scores[0]).any())


def _columns(scores: Array) -> list[Array]:
    scores = np.asarray(scores, float)
    return [scores] if scores.ndim == 1 else list(scores.T)


def _worst(values: list[float], worst: object) -> float:
    if any(math.isnan(v) for v in values):
        return math.nan
    return float(worst(values))  # type: ignore[operator]


def _check(good: bool, observed: dict[str, float], expected: str, challenger: Evidence, said: str) -> Check:
    return check("predictions changed", good, observed, expected, challenger.subject, said)
