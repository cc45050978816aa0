"""Model tests for the output: valid numbers that are not constant."""

from __future__ import annotations

from typing import Any

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.metrics import Array
from airflow_mlops.core.model_tests.outcomes import failed, inconclusive, passed
from airflow_mlops.core.model_tests.subject import ModelUnderTest

_TOLERANCE = 1e-6  # sums of probabilities differ from 1 by rounding, above all in float32
_CONSTANT_SPREAD = 1e-9
_MIN_ROWS = 10


def valid_output(subject: ModelUnderTest, scores: Array) -> Check:
    """Check the raw output of the model, and that all scores are finite."""
    if error := _output_error(subject, _raw_output(subject)):
        return failed(error)
    missing = int((~np.isfinite(scores)).sum())
    if missing:
        return failed(f"{missing} of {scores.size} scores are missing or not finite", {"not finite": missing})
    return passed(f"scores from {scores.min():.4g} to {scores.max():.4g}", [float(scores.min()), float(scores.max())])


def not_constant(subject: ModelUnderTest, scores: Array) -> Check:
    """Check that scores differ between rows."""
    if len(scores) < _MIN_ROWS or len(subject.rows.drop_duplicates()) < 2:
        return inconclusive(f"{len(scores)} rows, at least {_MIN_ROWS} that differ are needed")
    spread = float(np.ptp(scores, axis=0).max())
    scale = max(1.0, float(np.abs(scores).max())) if subject.scorer.task == "regression" else 1.0
    if not spread > _CONSTANT_SPREAD * scale:  # true for NaN, too
        return failed(f"all {len(scores)} rows get the same score, {scores.flat[0]:.6g}", {"spread": spread})
    return passed(f"the range of scores is {spread:.4g}", {"spread": spread})


def _raw_output(subject: ModelUnderTest) -> Any:
    model = subject.scorer.model
    return np.asarray((model.predict if subject.scorer.task == "regression" else model.predict_proba)(subject.rows))


def _output_error(subject: ModelUnderTest, raw: Array) -> str:
    """Return what is wrong with the raw output; empty when it is valid."""
    if subject.scorer.task == "regression":
        return "" if raw.dtype.kind in "fiu" else f"predictions of a regression must be numbers; got {raw.dtype}"
    if raw.dtype.kind != "f":
        return f"probabilities must be floats; got {raw.dtype}, such as {str(raw.flat[0])[:40]!r}"
    if (raw < -_TOLERANCE).any() or (raw > 1 + _TOLERANCE).any():
        return f"probabilities must be between 0 and 1; they range from {raw.min():.4g} to {raw.max():.4g}"
    sums = raw.sum(axis=1)
    if (np.abs(sums - 1) > _TOLERANCE * raw.shape[1]).any():
        return f"probabilities of a row must add up to 1; the sums range from {sums.min():.4g} to {sums.max():.4g}"
    return ""
