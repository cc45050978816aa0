"""Judging scored gate rows: the figures of each model, and what is told beside them."""

from __future__ import annotations

from typing import Any

import numpy as np

from airflow_mlops.core.evaluation.asked import Asked
from airflow_mlops.core.evaluation.calibration import calibration_table
from airflow_mlops.core.evaluation.fairness import fairness_checks
from airflow_mlops.core.evaluation.importance import importance
from airflow_mlops.core.evaluation.scoring import Scored
from airflow_mlops.core.evaluation.search import worst_slice
from airflow_mlops.core.evaluation.slices import slice_checks
from airflow_mlops.core.metrics import Array, intervals, of_task
from airflow_mlops.core.report import Check


def figures(scored: Scored, role: str, asked: Asked) -> dict[str, Any]:
    """Give one model's figures on the gate rows.

    :returns: ``metrics``, their ``intervals`` (95 %), ``predict_ms_per_1000``, in a binary task ``calibration``, and of
        the challenger ``importance`` when it is asked for.
    """
    rows, scores = scored.rows, scored.scores[role]
    names = list(of_task(scored.metric))
    found: dict[str, Any] = {
        "predict_ms_per_1000": 1e6 * scored.seconds[role] / len(rows),
        "metrics": {name: m.value(rows.target, scores) for name, m in of_task(scored.metric).items()},
        "intervals": {n: list(of) for n, of in intervals(names, rows.target, scores, clusters=rows.numbered()).items()},
    }
    if rows.task == "binary":
        found["calibration"] = calibration_table(rows.target, scores)
    if asked.importance and role == "challenger":  # the champion's was told when it was the challenger
        found["importance"] = importance(scored, role)
    return found


def checks(scored: Scored, values: dict[str, dict[str, float]], asked: Asked) -> list[Check]:
    """Tell the main figure of each model, slices, the worst slice, and fairness.

    :param values: role -> metric -> value.
    """
    told = [check for role in scored.scores for check in _main(scored, role, values[role][scored.metric])]
    told += slice_checks(scored)
    if asked.importance:
        told.append(worst_slice(scored))
    return told + fairness_checks(scored, asked.threshold)


def _main(scored: Scored, role: str, value: float) -> list[Check]:
    """Tell the main figure, or why it has none: that is an error, for a gate must not take it for a figure."""
    scores, name, called = scored.scores[role], scored.metric, scored.called[role]
    wrong = int((~np.isfinite(scores)).any(axis=1).sum()) if scores.ndim == 2 else int((~np.isfinite(scores)).sum())
    if wrong:
        said = f"{wrong} of {len(scores)} scores of {called} are missing or infinite"
        return [Check("scores finite", "fail", "error", wrong, 0, role, said)]
    if not np.isfinite(value):
        said = f"{name} of {called} is not defined: {undefined_because(scored.rows.target, scored.rows.task)}"
        return [Check(name, "not_judged", "error", value, None, role, said)]
    said = f"{called}: {name} {value:.4f} on {len(scores)} rows"
    return [Check(name, "pass", "info", value, None, role, said)]


def undefined_because(target: Array, task: str) -> str:
    """Say why a metric has no value on rows with finite scores."""
    if len(np.unique(target)) == 1:
        what = "are of one class" if task != "regression" else "have one value"
        return f"all {len(target)} gate rows {what}, {target[0]:g}"
    return "its scores are no probabilities, or none is above the threshold"
