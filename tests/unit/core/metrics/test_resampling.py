"""Resamples are of rows or of whole clusters, and their spread says how sure a figure is, for few rows and for many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.metrics import Array, Resampling, bootstrap_weights, get_metric, resampling


def ends_of(name: str, y: Array, p: Array, *, seed: int = 0, confidence: float = 0.95) -> tuple[float, float]:
    """Give the bootstrap's interval of a metric."""
    draws = Resampling(len(y), resamples=300, seed=seed)
    figure = get_metric(name).prepare(y[draws.index], p[draws.index])
    part, whole = float(figure(np.ones(len(draws.index)))), get_metric(name).value(y, p)
    return draws.interval(draws.evaluate([figure])[0], part, whole, confidence=confidence)


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


def test_of_many_rows_whole_clusters_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "MAX_ROWS", 100)
    monkeypatch.setattr(resampling, "_MIN_UNITS", 10)
    clusters = np.repeat(np.arange(50), 10)
    taken = clusters[Resampling(500, clusters).index]
    assert len(taken) == 100
    assert np.unique(taken, return_counts=True)[1].tolist() == [10] * 10


def test_the_same_rows_and_seed_give_the_same_resamples_however_often_they_are_asked() -> None:
    def total(weights: np.ndarray) -> np.ndarray:
        return weights @ np.arange(30.0)

    for most in (0, 1_000_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(resampling, "_MAX_CACHED_WEIGHTS", most)
            draws = Resampling(30, seed=5)
            first, again = draws.evaluate([total])[0], draws.evaluate([total])[0]
            assert (first == again).all()
            assert (first == Resampling(30, seed=5).evaluate([total])[0]).all()
            assert not (first == Resampling(30, seed=6).evaluate([total])[0]).all()


def test_an_interval_covers_the_value_about_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(0), 0
    for _ in range(200):
        y = rng.normal(size=200)
        low, high = ends_of("mae", y, np.zeros(200), confidence=0.9)
        inside += low <= np.sqrt(2 / np.pi) <= high
    assert 0.82 <= inside / 200 <= 0.97


def test_an_interval_that_hangs_on_one_row_is_nan() -> None:
    y = np.r_[1.0, np.zeros(50)]
    assert np.isnan(ends_of("roc_auc", y, np.arange(51.0))).all()  # every third resample has no positive


def test_the_interval_of_many_rows_is_as_wide_as_if_all_were_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(8000) < 0.3).astype(float)
    p = np.clip(0.3 * y + rng.normal(0.3, 0.15, 8000), 0, 1)
    names = ["roc_auc", "brier", "f1"]
    whole = {name: ends_of(name, y, p) for name in names}
    monkeypatch.setattr(resampling, "MAX_ROWS", 2000)
    for seed in range(3):
        for name in names:
            low, high = ends_of(name, y, p, seed=seed)
            wide = whole[name][1] - whole[name][0]
            assert high - low == pytest.approx(wide, rel=0.25)
            assert (low + high) / 2 == pytest.approx(get_metric(name).value(y, p), abs=0.3 * wide)
