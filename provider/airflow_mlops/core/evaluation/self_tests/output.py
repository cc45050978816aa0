"""Self-tests on what a model gives: numbers of the right kind, and not always the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from airflow_mlops.core.evaluation.self_tests.outcome import failed, not_judged, passed
from airflow_mlops.core.evaluation.self_tests.subject import Subject
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.report import Check

_BESIDE = 1e-6  # sums of probabilities miss 1 by rounding, most of all in 32 bits
_STILL = 1e-9
_LEAST_ROWS = 10


def dtype(subject: Subject, scores: Array) -> Check:
    """Look at what the model itself gives, before anything makes numbers of it."""
    if wrong := _kind(subject, _raw(subject)):
        return failed(wrong)
    lost = int((~np.isfinite(scores)).sum())
    if lost:
        return failed(f"{lost} of {scores.size} scores are missing or not finite", {"not finite": lost})
    return passed(f"scores from {scores.min():.4g} to {scores.max():.4g}", [float(scores.min()), float(scores.max())])


def not_constant(subject: Subject, scores: Array) -> Check:
    """Look whether rows differ in their scores."""
    if len(scores) < _LEAST_ROWS or len(subject.rows.drop_duplicates()) < 2:
        return not_judged(f"there are {len(scores)} rows, and {_LEAST_ROWS} different ones are needed")
    spread = float(np.ptp(scores, axis=0).max())
    scale = max(1.0, float(np.abs(scores).max())) if subject.scorer.task == "regression" else 1.0
    if not spread > _STILL * scale:  # NaN is not more either
        return failed(f"all {len(scores)} rows get the same score, {scores.flat[0]:.6g}", {"spread": spread})
    return passed(f"scores spread over {spread:.4g}", {"spread": spread})


def _raw(subject: Subject) -> Any:
    model = subject.scorer.model
    return np.asarray((model.predict if subject.scorer.task == "regression" else model.predict_proba)(subject.rows))


def _kind(subject: Subject, raw: Array) -> str:
    """Say what is wrong with what the model gives; nothing when all is well."""
    if subject.scorer.task == "regression":
        return "" if raw.dtype.kind in "fiu" else f"it gives {raw.dtype} where a regression has numbers"
    if raw.dtype.kind != "f":
        return f"it gives {raw.dtype} where probabilities are floats, such as {str(raw.flat[0])[:40]!r}"
    if (raw < -_BESIDE).any() or (raw > 1 + _BESIDE).any():
        return f"its probabilities are not between 0 and 1: they go from {raw.min():.4g} to {raw.max():.4g}"
    sums = raw.sum(axis=1)
    if (np.abs(sums - 1) > _BESIDE * raw.shape[1]).any():
        return f"the probabilities of a row do not add up to 1: they do to {sums.min():.4g} and {sums.max():.4g}"
    return ""
