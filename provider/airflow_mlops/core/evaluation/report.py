"""Metrics and checks of an evaluation report, computed from scored gate rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.evaluation.calibration import calibration_table
from airflow_mlops.core.evaluation.fairness import fairness_checks
from airflow_mlops.core.evaluation.gate_rows import GateRows
from airflow_mlops.core.evaluation.importance import permutation_importance
from airflow_mlops.core.evaluation.model_scoring import ScoredRows
from airflow_mlops.core.evaluation.options import EvaluationOptions
from airflow_mlops.core.evaluation.slice_checks import slice_checks
from airflow_mlops.core.evaluation.worst_slice import find_worst_slice
from airflow_mlops.core.metrics import METRICS, Array, intervals, metrics_of_same_task


def model_metrics(scored: ScoredRows, role: str, options: EvaluationOptions) -> dict[str, Any]:
    """Compute the metrics of one model on the gate rows.

    :returns: ``metrics``, their ``intervals`` (95 %), ``predict_ms_per_1000``, ``calibration`` in a binary task, and
        ``importance`` of the challenger when requested.
    """
    rows, scores = scored.rows, scored.scores[role]
    names = list(metrics_of_same_task(scored.metric))
    result: dict[str, Any] = {
        "predict_ms_per_1000": 1e6 * scored.seconds[role] / len(rows),
        "metrics": {name: m.value(rows.target, scores) for name, m in metrics_of_same_task(scored.metric).items()},
        "intervals": {
            n: list(i) for n, i in intervals(names, rows.target, scores, clusters=rows.cluster_numbers()).items()
        },
    }
    if rows.task == "binary":
        result["calibration"] = calibration_table(rows.target, scores)
    if options.importance and role == "challenger":  # the champion's is in the report of its own evaluation
        result["importance"] = permutation_importance(scored, role)
    return result


def evaluation_checks(
    scored: ScoredRows, values: dict[str, dict[str, float]], options: EvaluationOptions
) -> list[Check]:
    """Build the checks of the main metric of each model, of slices, of the worst slice and of fairness.

    :param values: role -> metric -> value.
    """
    result = [_main_metric_check(scored, role, values[role][scored.metric]) for role in scored.scores]
    result += slice_checks(scored)
    if options.importance:
        result.append(find_worst_slice(scored))
    return result + fairness_checks(scored, options.threshold)


def _main_metric_check(scored: ScoredRows, role: str, value: float) -> Check:
    """Report the main metric, or an error when it is undefined."""
    scores, name, label = scored.scores[role], scored.metric, scored.labels[role]
    wrong = int((~np.isfinite(scores)).any(axis=1).sum()) if scores.ndim == 2 else int((~np.isfinite(scores)).sum())
    if wrong:
        message = f"{wrong} of {len(scores)} scores of {label} are missing or infinite"
        return Check("scores finite", "fail", "error", wrong, 0, role, message)
    if not np.isfinite(value):
        message = f"{name} of {label} is not defined: {_undefined_reason(name, value, scored.rows)}"
        return Check(name, "inconclusive", "error", value, None, role, message)
    return Check(name, "pass", "info", value, None, role, f"{label}: {name} {value:.4f} on {len(scores)} rows")


def _undefined_reason(metric: str, value: float, rows: GateRows) -> str:
    """Return why a metric is undefined on rows with finite scores."""
    target: Array = rows.target
    if metric not in METRICS:
        return f"its function returned {value}"
    if len(np.unique(target)) == 1:
        what = "are of one class" if rows.task != "regression" else "have one value"
        return f"all {len(target)} gate rows {what}, {target[0]:g}"
    return "the scores are not probabilities, or none reaches the threshold"
