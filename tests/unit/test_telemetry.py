"""Reports and steps emit Airflow metrics when these are enabled, and do nothing otherwise."""

from __future__ import annotations

import math
from typing import Any

import pytest
from airflow.sdk.observability import stats

from airflow_mlops import telemetry
from airflow_mlops.common.report import Check, Report

DRIFT = Report.from_checks(
    "drift",
    "churn_features 2026-05-04",
    [
        Check("drift", "fail", observed={"effect": -0.4}, where="age"),
        Check("drift", "pass", observed={"effect": 0.1}, where="price"),
        Check("drift", "inconclusive", observed={"effect": float("nan")}, where="region"),
    ],
    facts={"rows": 300},
)


class Backend:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any, Any]] = []

    def gauge(self, name: str, value: float, tags: Any = None, **_: Any) -> None:
        self.calls.append(("gauge", name, value, tags))

    def incr(self, name: str, tags: Any = None, **_: Any) -> None:
        self.calls.append(("incr", name, 1, tags))

    def timing(self, name: str, value: float, tags: Any = None) -> None:
        self.calls.append(("timing", name, value, tags))


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    from airflow.sdk._shared.observability.metrics import stats as real

    fake = Backend()
    monkeypatch.setattr(real, "_backend", fake)
    return fake


def test_a_report_emits_metrics_with_its_task_as_tags(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
    telemetry.emit_report(DRIFT, dag_id="d", task_id="t")
    tags = {"dag_id": "d", "task_id": "t"}
    assert sorted(backend.calls, key=lambda call: call[1]) == [
        ("gauge", "mlops.drift.failed", 1.0, tags),
        ("gauge", "mlops.drift.rows", 300.0, tags),
        ("gauge", "mlops.drift.score", 0.4, tags),
        ("incr", "mlops.report", 1, {**tags, "kind": "drift", "verdict": "fail"}),
    ]


def test_the_duration_of_a_step_is_emitted_even_if_it_fails(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
    with pytest.raises(ZeroDivisionError), telemetry.time_step("drift", dag_id="d", task_id="t"):
        _ = 1 / 0
    ((kind, name, value, tags),) = backend.calls
    assert (kind, name, tags["step"]) == ("timing", "mlops.step.duration", "drift")
    assert value >= 0


def test_with_metrics_off_nothing_is_computed_or_emitted(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("computed with metrics off")

    monkeypatch.setattr(telemetry, telemetry.report_metrics.__name__, never)
    telemetry.emit_report(DRIFT, dag_id="d", task_id="t")
    with telemetry.time_step("drift", dag_id="d", task_id="t"):
        pass
    assert backend.calls == []
    assert stats is not None


def test_a_non_finite_value_is_omitted() -> None:
    report = Report.from_checks(
        "performance", "x", [], facts={"value": math.nan, "low": "nan", "high": True, "expected": 0.8}
    )
    assert telemetry.report_metrics(report) == {"expected": 0.8, "failed": 0.0}
