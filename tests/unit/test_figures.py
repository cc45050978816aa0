"""Figures of reports reach Airflow's metrics when they are on, and cost nothing when they are off."""

from __future__ import annotations

import math
from typing import Any

import pytest
from airflow.sdk.observability import stats

from airflow_mlops import figures
from airflow_mlops.core.report import Check, Report

DRIFT = Report.of(
    "drift",
    "churn_features 2026-05-04",
    [
        Check("drift", "fail", observed={"effect": -0.4}, where="age"),
        Check("drift", "pass", observed={"effect": 0.1}, where="price"),
        Check("drift", "not_judged", observed={"effect": float("nan")}, where="region"),
    ],
    facts={"rows": 300},
)


class Backend:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, Any, Any]] = []

    def gauge(self, name: str, value: float, tags: Any = None, **_: Any) -> None:
        self.told.append(("gauge", name, value, tags))

    def incr(self, name: str, tags: Any = None, **_: Any) -> None:
        self.told.append(("incr", name, 1, tags))

    def timing(self, name: str, value: float, tags: Any = None) -> None:
        self.told.append(("timing", name, value, tags))


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    from airflow.sdk._shared.observability.metrics import stats as real

    made = Backend()
    monkeypatch.setattr(real, "_backend", made)
    return made


def test_the_figures_of_a_report_are_told_with_who_told_them(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
    figures.tell(DRIFT, dag_id="d", task_id="t")
    tags = {"dag_id": "d", "task_id": "t"}
    assert sorted(backend.told, key=lambda one: one[1]) == [
        ("gauge", "mlops.drift.failed", 1.0, tags),
        ("gauge", "mlops.drift.rows", 300.0, tags),
        ("gauge", "mlops.drift.score", 0.4, tags),
        ("incr", "mlops.report", 1, {**tags, "kind": "drift", "verdict": "fail"}),
    ]


def test_a_step_s_duration_is_told_also_when_it_fails(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
    with pytest.raises(ZeroDivisionError), figures.timed("drift", dag_id="d", task_id="t"):
        _ = 1 / 0
    ((kind, name, value, tags),) = backend.told
    assert (kind, name, tags["step"]) == ("timing", "mlops.step.duration", "drift")
    assert value >= 0


def test_with_metrics_off_nothing_is_computed_or_told(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("computed for nobody")

    monkeypatch.setattr(figures, "figures_of", never)
    figures.tell(DRIFT, dag_id="d", task_id="t")
    with figures.timed("drift", dag_id="d", task_id="t"):
        pass
    assert backend.told == []
    assert stats is not None


def test_a_figure_that_is_no_finite_number_is_left_out() -> None:
    report = Report.of("performance", "x", [], facts={"value": math.nan, "low": "nan", "high": True, "expected": 0.8})
    assert figures.figures_of(report) == {"expected": 0.8, "failed": 0.0}
