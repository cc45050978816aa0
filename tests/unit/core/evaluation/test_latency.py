"""Latency is measured by turns, after a warm-up, and a figure that few calls stand for is not given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.evaluation import latency


class Clock:
    """A clock that models move."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Timed:
    """A model that takes a fixed time a call and a row, and more for its first calls."""

    def __init__(self, clock: Clock, name: str, log: list[str], call: float = 0.001, row: float = 0.0, cold: int = 0):
        self.clock, self.name, self.log, self.call, self.row, self.cold = clock, name, log, call, row, cold

    def predict(self, frame: pd.DataFrame) -> Any:
        self.log.append(f"{self.name}{len(frame)}")
        slow = 1.0 if len(self.log) <= self.cold else 0.0
        self.clock.now += slow + self.call + self.row * len(frame)
        return np.zeros(len(frame))


X = pd.DataFrame({"x": np.arange(300.0)})


def test_one_row_and_a_thousand_are_timed_apart() -> None:
    clock, log = Clock(), []
    found = latency.measure_latency({"challenger": Timed(clock, "a", log, 0.002, 0.0001)}, X, clock=clock)["challenger"]
    assert found["predict_ms_p50"] == pytest.approx(2.1)
    assert found["predict_ms_p95"] == pytest.approx(2.1)
    assert found["batch_ms_p50"] == pytest.approx(102)
    assert log.count("a1") >= 100
    assert log.count("a1000") >= 20  # 300 rows are taken again and again


def test_the_first_calls_warm_up_and_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "SINGLE_CALLS", 25)  # few, so that three slow ones would be seen in p95
    clock, log = Clock(), []
    found = latency.measure_latency({"challenger": Timed(clock, "a", log, cold=3)}, X, clock=clock)
    assert found["challenger"]["predict_ms_p95"] == pytest.approx(1.0)


def test_the_models_take_turns() -> None:
    clock, log = Clock(), []
    models = {"challenger": Timed(clock, "a", log), "champion": Timed(clock, "b", log, 0.004)}
    found = latency.measure_latency(models, X, clock=clock)
    turns = [set(log[i : i + 2]) for i in range(0, 200, 2)]
    assert turns == [{"a1", "b1"}] * 100
    assert {log[i] for i in range(0, 200, 2)} == {"a1", "b1"}  # none is always the first
    assert found["champion"]["predict_ms_p50"] == pytest.approx(4 * found["challenger"]["predict_ms_p50"])


def test_a_model_that_is_too_slow_to_be_measured_has_no_figure() -> None:
    clock, log = Clock(), []
    found = latency.measure_latency({"challenger": Timed(clock, "a", log, 5.0)}, X, clock=clock)
    assert found == {"challenger": {}}
    assert len(log) < 20


def test_a_slow_batch_leaves_the_figure_of_one_row() -> None:
    clock, log = Clock(), []
    found = latency.measure_latency({"challenger": Timed(clock, "a", log, 0.001, 0.01)}, X, clock=clock)["challenger"]
    assert set(found) == {"predict_ms_p50", "predict_ms_p95"}
