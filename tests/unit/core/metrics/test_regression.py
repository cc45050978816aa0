"""Metrics of numbers are scikit-learn's, weighted, and NaN where the target leaves nothing to explain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from airflow_mlops.core.metrics import get_metric, metrics_of_same_task

number = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
rows = st.lists(st.tuples(number, number, st.sampled_from([0.0, 0.5, 1.0, 3.0])), min_size=2, max_size=40).filter(
    lambda rows: len({y for y, _, w in rows if w}) > 1
)


def pinball(alpha: float) -> Any:
    return lambda y, p, sample_weight: sk.mean_pinball_loss(y, p, alpha=alpha, sample_weight=sample_weight)


SKLEARN: dict[str, Any] = {
    "mae": sk.mean_absolute_error,
    "rmse": sk.root_mean_squared_error,
    "mape": sk.mean_absolute_percentage_error,
    "r2": sk.r2_score,
    "pinball_10": pinball(0.1),
    "pinball_50": pinball(0.5),
    "pinball_90": pinball(0.9),
}


def test_every_metric_of_numbers_is_held_against_another_implementation() -> None:
    assert set(SKLEARN) == set(metrics_of_same_task("mae"))


@pytest.mark.parametrize("name", sorted(SKLEARN))
@settings(max_examples=40, deadline=None)
@given(rows=rows)
def test_it_equals_scikit_learns_with_weights(name: str, rows: Any) -> None:
    y, p, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    weighted, there = get_metric(name).prepare(y, p), w > 0
    assert weighted(w) == pytest.approx(SKLEARN[name](y[there], p[there], sample_weight=w[there]), rel=1e-6, abs=1e-9)
    both = weighted(np.stack([w, np.ones(len(w))]))
    assert both[0] == pytest.approx(weighted(w), rel=1e-12, abs=1e-12)
    assert both[1] == pytest.approx(get_metric(name).value(y, p), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1])
def test_a_target_that_does_not_vary_has_no_r2(value: float) -> None:
    y = np.array([5.0, *[value] * 6])
    assert np.isnan(get_metric("r2").value(y[1:], np.arange(6.0)))
    assert np.isnan(get_metric("r2").prepare(y, np.arange(7.0))(np.array([0.0, *[0.3] * 6])))


def test_large_targets_do_not_lose_their_digits() -> None:
    y = 1e9 + np.arange(10.0)
    assert get_metric("r2").value(y, y + 0.5) == pytest.approx(1 - 0.25 / np.var(np.arange(10.0)), rel=1e-9)


@pytest.mark.parametrize("quantile", [10, 50, 90])
def test_the_quantile_itself_has_the_least_quantile_loss(quantile: int) -> None:
    y = np.random.default_rng(0).normal(size=4000)
    guesses = np.linspace(-2, 2, 81)
    losses = [get_metric(f"pinball_{quantile}").value(y, np.full(4000, guess)) for guess in guesses]
    assert guesses[int(np.argmin(losses))] == pytest.approx(np.quantile(y, quantile / 100), abs=0.06)
