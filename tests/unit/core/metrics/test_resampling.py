"""Resamples are of rows or of whole clusters, and intervals say how sure a figure is, for few rows and for many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.metrics import Resampling, bootstrap_weights, interval, intervals, metric, resampling


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


def test_clusters_may_have_any_names() -> None:
    y, names = np.arange(20.0), np.repeat(["x", "a", "", "7"], 5)
    numbered = np.unique(names, return_inverse=True)[1]
    assert interval("mae", y, y * 0, clusters=names) == interval("mae", y, y * 0, clusters=numbered)


def test_an_interval_of_nothing_is_nan() -> None:
    assert np.isnan(interval("roc_auc", np.array([]), np.array([]))).all()
    assert np.isnan(interval("roc_auc", np.ones(5), np.arange(5.0))).all()
    assert np.isnan(interval("mae", np.ones(5), np.array([1, 2, 3, 4, np.nan]))).all()


def test_an_interval_that_hangs_on_one_row_is_nan() -> None:
    y = np.r_[1.0, np.zeros(50)]
    assert np.isfinite(metric("roc_auc").value(y, np.arange(51.0)))
    assert np.isnan(interval("roc_auc", y, np.arange(51.0))).all()  # every third resample has no positive


def test_all_metrics_of_a_task_share_the_resamples() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(2, 100))
    both = intervals(["mae", "r2"], y, p)
    assert both == {"mae": interval("mae", y, p), "r2": interval("r2", y, p)}


def test_the_interval_of_many_rows_is_as_wide_as_if_all_were_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(8000) < 0.3).astype(float)
    p = np.clip(0.3 * y + rng.normal(0.3, 0.15, 8000), 0, 1)
    names = ["roc_auc", "brier", "f1"]
    whole = intervals(names, y, p, resamples=300)
    monkeypatch.setattr(resampling, "MOST_ROWS", 2000)
    for seed in range(3):
        for name, (low, high) in intervals(names, y, p, resamples=300, seed=seed).items():
            wide = whole[name][1] - whole[name][0]
            assert high - low == pytest.approx(wide, rel=0.25)
            assert (low + high) / 2 == pytest.approx(metric(name).value(y, p), abs=0.3 * wide)


def test_of_many_rows_whole_clusters_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "MOST_ROWS", 100)
    monkeypatch.setattr(resampling, "_LEAST_UNITS", 10)
    clusters = np.repeat(np.arange(50), 10)
    taken = clusters[Resampling(500, clusters).index]
    assert len(taken) == 100
    assert np.unique(taken, return_counts=True)[1].tolist() == [10] * 10


def test_the_same_rows_and_seed_give_the_same_resamples_however_often_they_are_asked() -> None:
    def total(weights: np.ndarray) -> np.ndarray:
        return weights @ np.arange(30.0)

    for most in (0, 1_000_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(resampling, "_MOST_KEPT", most)
            draws = Resampling(30, seed=5)
            first, again = draws.values([total])[0], draws.values([total])[0]
            assert (first == again).all()
            assert (first == Resampling(30, seed=5).values([total])[0]).all()
            assert not (first == Resampling(30, seed=6).values([total])[0]).all()
