"""Prediction latency of single rows and of batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlops.core.models.prediction import predict

if TYPE_CHECKING:
    import pandas as pd

BATCH = 1_000
SINGLE_CALLS, BATCH_CALLS = 100, 20
WARM_UP = 3
SECONDS = 60.0  # time limit for all models together
MIN_CALLS = 20  # with fewer calls a quantile is not reported


def measure_latency(
    models: Mapping[str, Any], features: pd.DataFrame, *, clock: Callable[[], float] = time.perf_counter
) -> dict[str, dict[str, float]]:
    """Measure prediction latency, alternating between the models so that machine load affects all equally.

    :param models: role -> fitted model.
    :param features: raw feature rows to score, n > 0.
    :param clock: returns seconds.
    :returns: role -> ``predict_ms_p50``, ``predict_ms_p95`` (one row) and ``batch_ms_p50``, ``batch_ms_p95`` (a
        thousand rows), in milliseconds. Quantiles of fewer than twenty calls are omitted.
    """
    results: dict[str, dict[str, float]] = {role: {} for role in models}
    for name, rows, calls in (("predict", 1, SINGLE_CALLS), ("batch", BATCH, BATCH_CALLS)):
        for role, times in _time_alternating(models, features, rows, calls, clock).items():
            if len(times) >= MIN_CALLS:
                p50, p95 = np.quantile(times, [0.5, 0.95])
                results[role] |= {f"{name}_ms_p50": 1e3 * float(p50), f"{name}_ms_p95": 1e3 * float(p95)}
    return results


def _time_alternating(
    models: Mapping[str, Any], features: pd.DataFrame, rows: int, calls: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Return the seconds of each call, without the warm-up calls."""
    times: dict[str, list[float]] = {role: [] for role in models}
    roles, deadline = list(models), clock() + SECONDS / 2
    for turn in range(calls + WARM_UP):
        if clock() > deadline:
            break
        # Different rows in each call, as in production; a small set of gate rows is reused.
        sample = features.iloc[(turn * rows + np.arange(rows)) % len(features)]
        for role in roles if turn % 2 else reversed(roles):
            started = clock()
            predict(models[role], sample)
            if turn >= WARM_UP:
                times[role].append(clock() - started)
    return times
