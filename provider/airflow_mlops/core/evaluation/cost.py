"""What a model costs when it is used: how long one row takes, and a batch of a thousand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlops.core.training.prediction import predict

if TYPE_CHECKING:
    import pandas as pd

BATCH = 1_000
SINGLE_CALLS, BATCH_CALLS = 100, 20
WARM_UP = 3
SECONDS = 60.0  # of measuring, for all models together
ENOUGH = 20


def latency(
    models: Mapping[str, Any], features: pd.DataFrame, *, clock: Callable[[], float] = time.perf_counter
) -> dict[str, dict[str, float]]:
    """Measure how long scoring takes, the models by turns, so that what else the machine does hits all alike.

    :param models: role -> fitted model.
    :param features: raw feature rows to score, n > 0.
    :param clock: gives seconds.
    :returns: role -> ``predict_ms_p50``, ``predict_ms_p95`` (one row) and ``batch_ms_p50``, ``batch_ms_p95`` (a
        thousand rows), in milliseconds. A figure that fewer than twenty calls would stand for is left out.
    """
    found: dict[str, dict[str, float]] = {role: {} for role in models}
    for name, rows, calls in (("predict", 1, SINGLE_CALLS), ("batch", BATCH, BATCH_CALLS)):
        for role, times in _by_turns(models, features, rows, calls, clock).items():
            if len(times) >= ENOUGH:
                p50, p95 = np.quantile(times, [0.5, 0.95])
                found[role] |= {f"{name}_ms_p50": 1e3 * float(p50), f"{name}_ms_p95": 1e3 * float(p95)}
    return found


def _by_turns(
    models: Mapping[str, Any], features: pd.DataFrame, rows: int, calls: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Give the seconds of each call; the first ones warm up and are not counted."""
    times: dict[str, list[float]] = {role: [] for role in models}
    roles, until = list(models), clock() + SECONDS / 2
    for turn in range(calls + WARM_UP):
        if clock() > until:
            break
        # Other rows each time, as in production; gate rows that are fewer are taken again.
        given = features.iloc[(turn * rows + np.arange(rows)) % len(features)]
        for role in roles if turn % 2 else reversed(roles):
            started = clock()
            predict(models[role], given)
            if turn >= WARM_UP:
                times[role].append(clock() - started)
    return times
