"""Checks that report the metrics of both models in each slice of the gate rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from airflow_mlops.common.report import Check
from airflow_mlops.core.evaluation.model_scoring import ScoredRows
from airflow_mlops.core.gate.slices import split_by_value
from airflow_mlops.core.metrics import Array, Resampling
from airflow_mlops.core.metrics import get_metric as metric_of

MIN_ROWS = 30
RESAMPLES = 200


def slice_checks(scored: ScoredRows) -> list[Check]:
    """Report the metrics of both models in each slice. They are informative: the gate has its own slice checks."""
    clusters = scored.rows.cluster_numbers()
    return [
        _slice_check(scored, name, index, clusters[index])
        for column in sorted(scored.rows.slices)
        for name, index in split_by_value(column, scored.rows.slices[column])
    ]


def _slice_check(scored: ScoredRows, name: str, index: Array, clusters: Array) -> Check:
    scores = {role: values[index] for role, values in scored.scores.items()}
    observed: dict[str, Any] = {"rows": len(index)}
    observed |= compare_models(scored.metric, scored.rows.target[index], scores, clusters)
    failure = observed.pop("failure", "")
    where = f"slice {name}"
    if len(index) < MIN_ROWS or not np.isfinite(observed["challenger"]):
        few = f"{len(index)} rows, at least {MIN_ROWS} are needed"
        undefined = failure or f"{scored.metric} is not defined on these {len(index)} rows"
        message = few if len(index) < MIN_ROWS else undefined
        return Check(scored.metric, "inconclusive", "info", observed, None, where, message)
    message = f"{scored.metric} {observed['challenger']:.4f} on {len(index)} rows"
    if observed["champion"] is not None:
        message += f", the champion's {observed['champion']:.4f}: gain {observed['gain']:+.4f}"
        if np.isfinite(observed["low"]):
            message += f", between {observed['low']:+.4f} and {observed['high']:+.4f}"
    return Check(scored.metric, "pass", "info", observed, None, where, message)


def compare_models(metric_name: str, target: Array, scores: dict[str, Array], clusters: Array) -> dict[str, Any]:
    """Compare both models on some rows; each resample scores both on the same rows.

    :param metric_name: the metric.
    :param scores: role -> m scores, or m x k probabilities.
    :param clusters: m values; rows with the same value are drawn together.
    :returns: ``challenger``, ``champion`` and ``gain`` with its 95 % interval ``low`` to ``high``. Without a champion
        ``champion`` and ``gain`` are ``None``, and the interval is that of the challenger's value. ``failure`` is there
        when the function of the metric failed.
    """
    metric, roles = metric_of(metric_name), [r for r in ("challenger", "champion") if r in scores]
    outcomes = {role: metric.value_or_reason(target, scores[role]) for role in roles}
    values = {role: value for role, (value, _) in outcomes.items()}
    result: dict[str, Any] = {"challenger": values["challenger"], "champion": values.get("champion"), "gain": None}
    result |= {"low": float("nan"), "high": float("nan")}
    if failures := [reason for _, reason in outcomes.values() if reason]:
        result["failure"] = failures[0]
    if not all(np.isfinite(value) for value in values.values()) or len(target) < MIN_ROWS:
        if len(roles) > 1:
            result["gain"] = metric.gain(values["challenger"], values["champion"])
        return result
    draws = Resampling(len(target), clusters, resamples=RESAMPLES)
    rows = draws.index
    statistics = [metric.prepare(target[rows], scores[role][rows]) for role in roles]
    sample_values = [float(statistic(np.ones(len(rows)))) for statistic in statistics]
    resampled = draws.evaluate(statistics)
    if len(roles) == 1:
        result["low"], result["high"] = draws.interval(resampled[0], sample_values[0], values["challenger"])
        return result
    result["gain"] = metric.gain(values["challenger"], values["champion"])
    result["low"], result["high"] = draws.interval(metric.gain(*resampled), metric.gain(*sample_values), result["gain"])
    return result
