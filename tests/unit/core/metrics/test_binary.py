"""Binary metrics are scikit-learn's to the last digits, weighted, with ties, and NaN where nothing can be said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from airflow_mlops.core.metrics import get_metric, metrics_of_same_task
from airflow_mlops.core.metrics.calibration import calibration_bins

few_scores = st.sampled_from([0.0001, 0.2, 0.5, 0.50001, 0.9, 0.9999])  # few, so that there are ties
weight = st.sampled_from([0.0, 0.25, 1.0, 3.0])
rows = st.lists(st.tuples(st.integers(0, 1), few_scores, weight), min_size=2, max_size=40).filter(
    lambda rows: {y for y, _, w in rows if w} == {0, 1}
)


def decided(figure: Any) -> Any:
    return lambda y, p, sample_weight: figure(y, p >= 0.5, sample_weight=sample_weight, zero_division=np.nan)


SKLEARN: dict[str, Any] = {
    "roc_auc": sk.roc_auc_score,
    "pr_auc": sk.average_precision_score,
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
    "accuracy": lambda y, p, sample_weight: sk.accuracy_score(y, p >= 0.5, sample_weight=sample_weight),
    "f1": decided(sk.f1_score),
    "precision": decided(sk.precision_score),
    "recall": decided(sk.recall_score),
}


def test_every_binary_metric_is_held_against_another_implementation() -> None:
    assert {*SKLEARN, "calibration_error"} == set(metrics_of_same_task("roc_auc"))


@pytest.mark.parametrize("name", sorted(SKLEARN))
@settings(max_examples=40, deadline=None)
@given(rows=rows)
def test_it_equals_scikit_learns_with_ties_and_weights(name: str, rows: Any) -> None:
    y, p, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    weighted = get_metric(name).prepare(y, p)
    expected = SKLEARN[name](y, p, sample_weight=w)
    assert weighted(w) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)
    both = weighted(np.stack([w, np.ones(len(w))]))
    assert both[0] == pytest.approx(weighted(w), rel=1e-12, abs=1e-12, nan_ok=True)
    assert both[1] == pytest.approx(get_metric(name).value(y, p), rel=1e-12, abs=1e-12, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(rows=rows)
def test_the_calibration_error_is_the_mean_distance_bin_by_bin(rows: Any) -> None:
    y, p, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    bins = calibration_bins(p)
    expected = sum(
        abs(sum(w[i] * (p[i] - y[i]) for i in np.flatnonzero(bins == b))) / w.sum() for b in range(bins.max() + 1)
    )
    assert get_metric("calibration_error").prepare(y, p)(w) == pytest.approx(expected, abs=1e-12)


def test_without_ties_the_bins_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(500)
    y = (rng.random(500) < p**2).astype(float)
    shares, means = calibration_curve(y, p, n_bins=10, strategy="quantile")
    assert get_metric("calibration_error").value(y, p) == pytest.approx(np.abs(shares - means).mean(), abs=1e-9)


def test_equal_scores_are_in_one_bin_and_bins_are_numbered_without_gaps() -> None:
    assert calibration_bins(np.full(50, 0.3)).tolist() == [0] * 50
    p = np.repeat([0.1, 0.2, 0.9], [80, 10, 10])
    bins = calibration_bins(p)
    assert all(len(set(bins[p == value])) == 1 for value in p)
    assert sorted(set(bins)) == list(range(len(set(bins))))


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc", "f1", "recall"])
def test_without_positives_there_is_nothing_to_find(name: str) -> None:
    y, p = np.array([0.0, 0.0, 1.0]), np.array([0.1, 0.9, 0.8])
    assert np.isnan(get_metric(name).value(y[:2], p[:2]))
    assert np.isnan(get_metric(name).prepare(y, p)(np.array([1.0, 1.0, 0.0])))


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc"])
def test_without_negatives_there_is_nothing_to_tell_apart(name: str) -> None:
    assert np.isnan(get_metric(name).value(np.ones(3), np.array([0.1, 0.2, 0.3])))


def test_a_model_that_decides_for_nobody_has_no_precision() -> None:
    assert np.isnan(get_metric("precision").value(np.array([0.0, 1.0]), np.array([0.1, 0.2])))


@pytest.mark.parametrize("name", ["log_loss", "brier", "calibration_error"])
@pytest.mark.parametrize("score", [1.5, -3.0])
def test_a_score_that_is_no_probability_has_no_loss_rather_than_a_good_one(name: str, score: float) -> None:
    y, p = np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.9, score])
    assert np.isnan(get_metric(name).value(y, p))
    assert np.isfinite(get_metric("roc_auc").value(y, p))


@pytest.mark.parametrize("name", sorted(metrics_of_same_task("roc_auc")))
def test_targets_that_are_not_0_and_1_have_no_value(name: str) -> None:
    assert np.isnan(get_metric(name).value(np.array([0.0, 1.0, 2.0]), np.array([0.1, 0.9, 0.5])))
