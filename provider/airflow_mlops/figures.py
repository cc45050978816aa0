"""Figures of what was judged, for Airflow's own metrics: StatsD, Datadog or OpenTelemetry, as ``[metrics]`` says.

With metrics off, which is Airflow's default, a task pays one look at a setting; nothing is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_mlops.core.report import Report

PREFIX = "mlops"
_SWITCHES = ("statsd_on", "otel_on", "statsd_datadog_enabled")


def are_on() -> bool:
    """Tell whether anybody listens."""
    from airflow.sdk.configuration import conf

    return any(conf.getboolean("metrics", switch, fallback=False) for switch in _SWITCHES)


def tell(report: Report, *, dag_id: str, task_id: str) -> None:
    """Tell the figures of a report: gauges ``mlops.<kind>.<figure>`` and the counter ``mlops.report``.

    :param report: what was published.
    :param dag_id: the task's DAG.
    :param task_id: the task.
    """
    if not are_on():
        return
    from airflow.sdk.observability import stats

    tags = {"dag_id": dag_id, "task_id": task_id}
    for name, value in figures_of(report).items():
        stats.gauge(f"{PREFIX}.{report.kind}.{name}", value, tags=tags)
    stats.incr(f"{PREFIX}.report", tags={**tags, "kind": report.kind, "verdict": report.verdict})


@contextmanager
def timed(step: str, *, dag_id: str, task_id: str) -> Iterator[None]:
    """Tell how long a step took, as ``mlops.step.duration`` in milliseconds, whether it succeeds or not.

    :param step: the operator's name.
    """
    if not are_on():
        yield
        return
    from airflow.sdk.observability import stats

    began = perf_counter()
    try:
        yield
    finally:
        tags = {"dag_id": dag_id, "task_id": task_id, "step": step}
        stats.timing(f"{PREFIX}.step.duration", 1e3 * (perf_counter() - began), tags=tags)


def figures_of(report: Report) -> dict[str, float]:
    """Give a report's figures: rows, the watched value and its interval, the largest effect, how many checks failed.

    A figure that is missing or not finite is left out: a gauge has no word for it.
    """
    facts = report.facts
    found: dict[str, Any] = {name: facts.get(name) for name in ("rows", "value", "low", "high", "expected")}
    found["failed"] = len(report.failed)
    effects = [e for check in report.checks if (e := _number(_effect(check.observed))) is not None]
    if effects:
        found["score"] = max(map(abs, effects))
    numbers = {name: _number(value) for name, value in found.items()}
    return {name: value for name, value in numbers.items() if value is not None}


def _effect(observed: Any) -> Any:
    return observed.get("effect") if isinstance(observed, Mapping) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)
