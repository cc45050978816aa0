"""Metrics of reports and steps for StatsD, Datadog or OpenTelemetry, as configured in Airflow's ``[metrics]``.

With metrics off, Airflow's default, a task only reads the setting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_mlops.common.report import Report

PREFIX = "mlops"
_BACKEND_OPTIONS = ("statsd_on", "otel_on", "statsd_datadog_enabled")


def is_enabled() -> bool:
    """Check whether Airflow sends metrics to any backend."""
    from airflow.sdk.configuration import conf

    return any(conf.getboolean("metrics", option, fallback=False) for option in _BACKEND_OPTIONS)


def emit_report(report: Report, *, dag_id: str, task_id: str) -> None:
    """Emit a report's metrics: gauges ``mlops.<kind>.<metric>`` and the counter ``mlops.report``.

    :param report: the published report.
    :param dag_id: the task's DAG.
    :param task_id: the task.
    """
    if not is_enabled():
        return
    from airflow.sdk.observability import stats

    tags = {"dag_id": dag_id, "task_id": task_id}
    for name, value in report_metrics(report).items():
        stats.gauge(f"{PREFIX}.{report.kind}.{name}", value, tags=tags)
    stats.incr(f"{PREFIX}.report", tags={**tags, "kind": report.kind, "verdict": report.verdict})


@contextmanager
def time_step(step: str, *, dag_id: str, task_id: str) -> Iterator[None]:
    """Emit the duration of a step, successful or not, as ``mlops.step.duration`` in milliseconds.

    :param step: the operator's name.
    """
    if not is_enabled():
        yield
        return
    from airflow.sdk.observability import stats

    started = perf_counter()
    try:
        yield
    finally:
        tags = {"dag_id": dag_id, "task_id": task_id, "step": step}
        stats.timing(f"{PREFIX}.step.duration", 1e3 * (perf_counter() - started), tags=tags)


def report_metrics(report: Report) -> dict[str, float]:
    """Return a report's metrics: rows, the monitored value and its interval, the largest effect, failed checks.

    Missing and non-finite values are omitted.
    """
    facts = report.facts
    values: dict[str, Any] = {name: facts.get(name) for name in ("rows", "value", "low", "high", "expected")}
    values["failed"] = len(report.failed)
    effects = [e for check in report.checks if (e := _finite_number(_effect(check.observed))) is not None]
    if effects:
        values["score"] = max(map(abs, effects))
    numbers = {name: _finite_number(value) for name, value in values.items()}
    return {name: value for name, value in numbers.items() if value is not None}


def _effect(observed: Any) -> Any:
    return observed.get("effect") if isinstance(observed, Mapping) else None


def _finite_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)
