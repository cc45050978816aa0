"""Intervals hold the truth about as often as they say; of rare classes, of clusters and at the edges, too."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from airflow_mlops.core.metrics import METRICS, Array, Resampling, get_metric, interval, intervals, metrics_of_same_task
from airflow_mlops.core.metrics.binary import THRESHOLD
from airflow_mlops.core.metrics.estimate import MetricEstimate
from airflow_mlops.core.metrics.interval_methods import FEW_ROWS
from airflow_mlops.core.metrics.interval_scales import auc_interval

Rows = tuple[Array, Array, Array]
MAIN = {"binary": "roc_auc", "multiclass": "f1_macro", "regression": "mae"}


def rows_of(task: str, rows: int, seed: int, *, base: float = 0.27, clusters: int = 0) -> Rows:
    """Draw targets, scores and clusters; half of what rows differ in is their cluster's."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, clusters, rows) if clusters else np.arange(rows)

    def noise() -> Array:
        own, shared = rng.normal(size=rows), rng.normal(size=cluster.max() + 1)[cluster]
        return np.asarray(np.sqrt(0.5) * (own + shared))

    if task == "regression":
        target = 30 + 3 * noise()
        return target + 1.5 * noise(), target, cluster
    latent = noise()
    if task == "multiclass":
        target = (latent > 0).astype(float) + (latent > 1.2)
        odds = np.column_stack([1.5 * (target == c) + noise() for c in range(3)])
        return target, np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True), cluster
    target = (latent > stats.norm.ppf(1 - base)).astype(float)
    score = 1.4 * target + noise()
    odds = np.log(base / (1 - base)) + 1.5 * (1.4 * score - 0.98) + (2.5 if base < 0.1 else 0)
    return target, 1 / (1 + np.exp(-odds)), cluster


@pytest.mark.parametrize(
    ("task", "rows", "base", "clusters"),
    [
        ("binary", 300, 0.27, 0),
        ("binary", 1500, 0.02, 0),
        ("binary", 1000, 0.27, 200),
        ("multiclass", 300, 0, 0),
        ("multiclass", 1000, 0, 200),
        ("regression", 300, 0, 0),
        ("regression", 1000, 0, 200),
    ],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(task: str, rows: int, base: float, clusters: int) -> None:
    names, draws = list(metrics_of_same_task(MAIN[task])), 120
    target, scores, _ = rows_of(task, 400_000, 10**6, base=base)
    truth = {name: get_metric(name).value(target, scores) for name in names}
    inside = dict.fromkeys(names, 0)
    for seed in range(draws):
        target, scores, cluster = rows_of(task, rows, seed, base=base, clusters=clusters)
        for name, (low, high) in intervals(names, target, scores, clusters=cluster).items():
            inside[name] += low <= truth[name] <= high
    # Were the cover 93 %, fewer than 101 of 120 would come up once in 3,000 times.
    assert {name: hits for name, hits in inside.items() if hits < 101} == {}


@pytest.mark.parametrize("clusters", [0, 300], ids=["rows", "clusters"])
@pytest.mark.parametrize("name", sorted(set(METRICS) - {"calibration_error"}))
def test_with_many_rows_an_interval_is_that_of_the_bootstrap(name: str, clusters: int) -> None:
    target, scores, cluster = rows_of(get_metric(name).task, 3000, 7, clusters=clusters)
    draws = Resampling(3000, cluster if clusters else None)
    value, figure = get_metric(name).value(target, scores), get_metric(name).prepare(target, scores)
    theirs = draws.interval(draws.evaluate([figure])[0], value, value)
    low, high = interval(name, target, scores, clusters=cluster if clusters else None)
    assert (low, high) == pytest.approx(theirs, abs=0.2 * (theirs[1] - theirs[0]))


def test_a_model_that_is_calibrated_may_have_no_calibration_error() -> None:
    rng, low_ends, high_ends = np.random.default_rng(0), [], []
    for _ in range(40):
        scores = rng.random(1000)
        low, high = interval("calibration_error", (rng.random(1000) < scores).astype(float), scores)
        low_ends.append(low)
        high_ends.append(high)
    assert np.mean(np.array(low_ends) == 0) > 0.85
    assert np.mean(high_ends) < 0.06


def test_an_interval_of_clusters_is_wider_than_one_that_takes_copies_for_evidence() -> None:
    target, scores, _ = rows_of("binary", 60, 0)
    many, more, clusters = np.tile(target, 20), np.tile(scores, 20), np.tile(np.arange(60), 20)
    names = list(metrics_of_same_task("roc_auc"))
    naive, honest = intervals(names, many, more), intervals(names, many, more, clusters=clusters)
    alone = intervals(names, target, scores)
    for name in names:
        assert honest[name][1] - honest[name][0] > 2 * (naive[name][1] - naive[name][0])
        if name != "calibration_error":
            assert honest[name] == pytest.approx(alone[name])


def test_an_interval_of_nothing_is_nan() -> None:
    assert np.isnan(interval("roc_auc", np.array([]), np.array([]))).all()
    assert np.isnan(interval("roc_auc", np.ones(5), np.arange(5.0))).all()
    assert np.isnan(interval("mae", np.ones(5), np.array([1, 2, 3, 4, np.nan]))).all()
    assert np.isnan(interval("mae", np.arange(9.0), np.ones(9), clusters=np.repeat([0, 1], [4, 5]))).all()


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc", "recall"])
def test_an_interval_that_hangs_on_two_rows_is_nan(name: str) -> None:
    target, scores = np.r_[1.0, 1.0, np.zeros(50)], np.linspace(0.9, 0.1, 52)
    assert np.isfinite(get_metric(name).value(target, scores))
    assert np.isnan(interval(name, target, scores)).all()
    target[2] = 1.0
    assert np.isfinite(interval(name, target, scores)).all()
    assert np.isnan(interval(name, target, scores, clusters=np.r_[0, 0, 0, np.arange(1, 50)])).all()


def test_a_perfect_model_is_not_perfectly_sure() -> None:
    target, scores = np.repeat([0.0, 1.0], [40, 10]), np.repeat([0.1, 0.9], [40, 10])
    for name in ("roc_auc", "pr_auc", "accuracy", "precision", "recall", "f1"):
        low, high = interval(name, target, scores)
        assert (0.6 < low < 0.95, high) == (True, 1)


def test_few_positives_that_are_scored_alike_do_not_make_an_area_sure() -> None:
    target, scores = alike(FEW_ROWS - 1)
    few = interval("roc_auc", target, scores)
    area = get_metric("roc_auc").value(target, scores)
    assert few[1] - few[0] > 2 * 1.96 * math.sqrt(area * (1 - area) / 500)
    assert few[1] - few[0] > 0.2


def alike(positives: int, score: float = 0.8) -> tuple[Array, Array]:
    """Positives that have one score, among negatives that have all."""
    return np.r_[np.ones(positives), np.zeros(500)], np.r_[np.full(positives, score), np.linspace(0, 1, 500)]


def usual(area: float, positives: int, negatives: int) -> MetricEstimate:
    """An area's error by its size and the numbers of both classes: Hanley and McNeil (1982), formulas 1 and 2."""
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    square = area * (1 - area) + (positives - 1) * (q1 - area * area) + (negatives - 1) * (q2 - area * area)
    return MetricEstimate(area, math.sqrt(square / positives / negatives), positives + negatives - 2)


def test_of_few_positives_the_error_is_no_less_than_usual_and_of_more_it_is_what_it_is() -> None:
    for positives, score in ((4, 0.999), (4, 0.8), (FEW_ROWS - 1, 0.8)):
        target, scores = alike(positives, score)
        expected = auc_interval(usual(get_metric("roc_auc").value(target, scores), positives, 500), positives, 0.95)
        assert interval("roc_auc", target, scores) == pytest.approx(expected, rel=1e-9)
    low, high = interval("roc_auc", *alike(FEW_ROWS))
    assert high - low < 0.5 * (expected[1] - expected[0])


def test_positives_that_differ_more_than_usual_keep_their_own_error() -> None:
    target, scores = np.r_[np.ones(8), np.zeros(500)], np.r_[np.full(4, 0.999), np.full(4, 0.2), np.linspace(0, 1, 500)]
    area = get_metric("roc_auc").value(target, scores)
    floor = auc_interval(usual(area, 8, 500), 8, 0.95)
    low, high = interval("roc_auc", target, scores)
    assert (low < floor[0], high > floor[1]) == (True, True)


@pytest.mark.parametrize("noise", [0.01, 3.0])
def test_the_ends_of_a_loss_lie_around_it_as_factors_and_those_of_r2_around_what_is_not_explained(noise: float) -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=30)
    scores = target + noise * rng.normal(size=30)
    value, (low, high) = get_metric("mae").value(target, scores), interval("mae", target, scores)
    assert 0 < low < value < high
    assert low * high == pytest.approx(value**2)
    value, (low, high) = get_metric("r2").value(target, scores), interval("r2", target, scores)
    assert low < value < high < 1
    assert (1 - low) * (1 - high) == pytest.approx((1 - value) ** 2)


@pytest.mark.parametrize("name", ["precision", "f1"])
def test_a_row_whose_score_is_the_threshold_is_one_that_the_figure_rests_on(name: str) -> None:
    target, scores = np.r_[1.0, 0.0, 1.0, np.zeros(30)], np.r_[np.full(3, THRESHOLD), np.full(30, 0.1)]
    assert np.isfinite(interval(name, target, scores)).all()


def test_f1_rests_on_positives_that_were_not_found_too() -> None:
    assert np.isfinite(interval("f1", np.r_[np.ones(5), np.zeros(30)], np.r_[0.9, 0.9, np.full(33, 0.1)])).all()


def test_all_metrics_of_a_task_are_found_together_as_alone() -> None:
    target, scores, cluster = rows_of("binary", 200, 3, clusters=50)
    names = list(metrics_of_same_task("roc_auc"))
    assert intervals(names, target, scores, clusters=cluster) == {
        name: interval(name, target, scores, clusters=cluster) for name in names
    }
