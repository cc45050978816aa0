"""The metrics are scikit-learn's to the last digits, weighted or not, and say NaN rather than something wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import METRICS, bootstrap_weights, interval, metric, of_task

few_scores = st.sampled_from([0.0001, 0.2, 0.5, 0.50001, 0.9, 0.9999])  # few, so that there are ties
binary_rows = st.lists(st.tuples(st.integers(0, 1), few_scores, st.integers(0, 3)), min_size=2, max_size=40).filter(
    lambda rows: {y for y, _, w in rows if w} == {0, 1}
)
number = st.floats(-1e6, 1e6)
regression_rows = st.lists(st.tuples(number, number, st.integers(0, 3)), min_size=1, max_size=40).filter(
    lambda rows: any(w for *_, w in rows)
)
SKLEARN: dict[str, Any] = {
    "roc_auc": sk.roc_auc_score,
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
    "accuracy": lambda y, p, sample_weight: sk.accuracy_score(y, p >= 0.5, sample_weight=sample_weight),
    "mae": sk.mean_absolute_error,
    "rmse": sk.root_mean_squared_error,
}


def agree(name: str, rows: list[tuple[float, float, int]]) -> None:
    y, p, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    weighted = metric(name).prepare(y, p)
    assert weighted(w) == pytest.approx(SKLEARN[name](y, p, sample_weight=w), rel=1e-9, abs=1e-9)
    both = weighted(np.stack([w, np.ones(len(w))]))
    assert both[0] == pytest.approx(weighted(w), rel=1e-12, abs=1e-12)
    assert both[1] == pytest.approx(metric(name).value(y, p), rel=1e-12, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", [m.name for m in METRICS.values() if m.task == "binary"])
@settings(max_examples=80, deadline=None)
@given(rows=binary_rows)
def test_a_binary_metric_equals_scikit_learns_with_ties_and_weights(name: str, rows: Any) -> None:
    agree(name, rows)


@pytest.mark.parametrize("name", [m.name for m in METRICS.values() if m.task == "regression"])
@settings(max_examples=60, deadline=None)
@given(rows=regression_rows)
def test_a_regression_metric_equals_scikit_learns_with_weights(name: str, rows: Any) -> None:
    agree(name, rows)


@pytest.mark.parametrize("name", sorted(METRICS))
@pytest.mark.parametrize(("target", "score"), [(np.nan, 0.5), (1, np.nan), (1, np.inf), (1, -np.inf)])
def test_one_value_that_is_not_finite_makes_the_metric_nan(name: str, target: float, score: float) -> None:
    y, p = np.array([0, 1, 0, target]), np.array([0.1, 0.9, 0.2, score])
    assert np.isnan(metric(name).value(y, p))


def test_no_rows_and_one_class_have_no_value() -> None:
    assert np.isnan(metric("brier").value(np.array([]), np.array([])))
    assert np.isnan(metric("roc_auc").value(np.ones(3), np.array([0.1, 0.2, 0.3])))
    assert np.isnan(metric("roc_auc").prepare(np.array([0.0, 1.0]), np.array([0.1, 0.2]))(np.array([0.0, 5.0])))


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_gain_is_above_zero_when_the_challenger_is_better(name: str) -> None:
    y = np.array([0.0, 0.0, 1.0, 1.0])
    good, bad = (
        metric(name).value(y, np.array([0.1, 0.2, 0.8, 0.9])),
        metric(name).value(y, np.array([0.9, 0.2, 0.8, 0.1])),
    )
    assert metric(name).gain(good, bad) > 0 > metric(name).gain(bad, good)


def test_an_unknown_metric_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="there is no metric 'auc'") as told:
        metric("auc")
    assert "roc_auc" in str(told.value.mend)


def test_the_metrics_of_a_task_begin_with_the_one_asked_for() -> None:
    assert list(of_task("brier")) == ["brier", "roc_auc", "log_loss", "accuracy"]
    assert list(of_task("rmse")) == ["rmse", "mae"]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 50), st.integers(0, 2**32))
def test_a_resample_draws_as_many_rows_as_there_are(rows: int, seed: int) -> None:
    weights = bootstrap_weights(np.random.default_rng(seed), 7, rows)
    assert weights.shape == (7, rows)
    assert (weights.sum(axis=1) == rows).all()
    assert (weights >= 0).all()
    assert (weights == weights.round()).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(0, 2**32))
def test_clusters_are_drawn_whole_and_as_many_as_there_are(labels: list[int], seed: int) -> None:
    clusters = np.unique(labels, return_inverse=True)[1]
    weights = bootstrap_weights(np.random.default_rng(seed), 5, len(clusters), clusters)
    for one in weights:
        by_cluster = [set(one[clusters == c]) for c in range(clusters.max() + 1)]
        assert all(len(drawn) == 1 for drawn in by_cluster)
        assert sum(drawn.pop() for drawn in by_cluster) == clusters.max() + 1


def test_rows_are_drawn_with_equal_chance() -> None:
    mean = bootstrap_weights(np.random.default_rng(0), 20_000, 5).mean(axis=0)
    assert np.abs(mean - 1).max() < 5 * np.sqrt(0.8 / 20_000)


def test_an_interval_covers_the_value_about_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(0), 0
    for _ in range(200):
        y = rng.normal(size=200)
        low, high = interval("mae", y, np.zeros(200), confidence=0.9, resamples=200)
        inside += low <= np.sqrt(2 / np.pi) <= high
    assert 0.82 <= inside / 200 <= 0.97


def test_an_interval_of_clusters_is_wider_than_one_that_takes_copies_for_evidence() -> None:
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(50), 20)
    y = np.repeat(rng.normal(size=50), 20)
    naive, honest = interval("mae", y, y * 0), interval("mae", y, y * 0, clusters=clusters)
    assert honest[1] - honest[0] > 3 * (naive[1] - naive[0])


def test_an_interval_of_nothing_is_nan() -> None:
    assert np.isnan(interval("roc_auc", np.array([]), np.array([]))).all()
    assert np.isnan(interval("roc_auc", np.ones(5), np.arange(5.0))).all()
