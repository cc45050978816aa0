"""Each formula is held against the metric's own derivative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.metrics import METRICS, get_metric

INFLUENCES = {name: m.influence for name, m in METRICS.items() if m.influence is not None}


def rows_of(name: str, seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Give targets and scores, with ties."""
    rng, task = np.random.default_rng(seed), get_metric(name).task
    if task == "multiclass":
        return np.r_[0.0, 1, 2, rng.integers(0, 3, rows - 3)], rng.dirichlet([1, 1, 1], rows).round(3)
    target = np.r_[0.0, 1, rng.random(rows - 2) < 0.4]
    if task == "regression":
        return target + 1, target + 1 + rng.normal(size=rows)
    return target, np.clip(rng.normal(0.3 + 0.4 * target, 0.3), 0.01, 0.99).round(2)


@pytest.mark.parametrize("name", sorted(INFLUENCES))
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(5, 40))
def test_a_rows_influence_is_the_metrics_own_derivative_by_its_weight(name: str, seed: int, rows: int) -> None:
    target, scores = rows_of(name, seed, rows)
    if not np.isfinite(get_metric(name).value(target, scores)):
        return
    figure, step = get_metric(name).prepare(target, scores), 1e-5 * np.eye(rows)
    derivative = (figure(1 + step) - figure(1 - step)) / 2e-5
    np.testing.assert_allclose(INFLUENCES[name](target, scores), derivative * rows, rtol=1e-4, atol=1e-6)


def test_every_metric_but_the_calibration_error_has_one() -> None:
    assert METRICS.keys() - INFLUENCES.keys() == {"calibration_error"}


@pytest.mark.parametrize("name", ["mae", "rmse", "mape", "pinball_50", "r2"])
def test_rows_without_any_error_matter_all_the_same(name: str) -> None:
    target = np.arange(1.0, 9.0)
    assert (INFLUENCES[name](target, target) == 0).all()
