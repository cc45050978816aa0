"""How sure a figure is: against formulas that are known, and against leaving out and drawing again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core.gate.gain import estimate_gain, gain_statistic
from airflow_mlops.core.metrics import METRICS, bootstrap_weights, get_metric
from airflow_mlops.core.metrics.estimate import MetricEstimate
from airflow_mlops.core.metrics.jackknife import Jackknife

SEEDS = st.integers(0, 10**6)


def rows_of(name: str, seed: int, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets and the scores of two models, with ties."""
    rng, task = np.random.default_rng(seed), get_metric(name).task
    if task == "multiclass":
        target = np.r_[0, 1, 2, rng.integers(0, 3, rows - 3)].astype(float)
        return target, *(rng.dirichlet([1, 1, 1], rows).round(3) for _ in range(2))
    target = np.r_[0, 1, rng.random(rows - 2) < 0.4].astype(float)
    if task == "regression":
        return target + 1, *(target + 1 + rng.normal(size=rows) for _ in range(2))
    return target, *(np.clip(rng.normal(0.3 + 0.4 * target, 0.3), 0.01, 0.99).round(2) for _ in range(2))


@pytest.mark.parametrize("name", sorted(METRICS))
def test_whichever_way_it_is_found_the_error_is_that_of_leaving_rows_out(name: str) -> None:
    target, champion, challenger = rows_of(name, 1, 400)
    each = Jackknife(400, groups=400).estimate([gain_statistic(name, target, champion, challenger)])[0]
    found = estimate_gain(name, target, champion, challenger, Jackknife(400, groups=200))
    assert found.value == pytest.approx(each.value)
    assert found.standard_error == pytest.approx(each.standard_error, rel=0.15)


@pytest.mark.parametrize("clustered", [False, True], ids=["rows", "clusters"])
@pytest.mark.parametrize("name", sorted(set(METRICS) - {"calibration_error"}))  # of which resampling moves the mean
def test_the_error_is_that_of_drawing_rows_again(name: str, clustered: bool) -> None:
    rng, (target, champion, challenger) = np.random.default_rng(0), rows_of(name, 2, 1500)
    clusters = rng.integers(0, 300, 1500) if clustered else None
    figure = gain_statistic(name, target, champion, challenger)
    drawn = np.concatenate([figure(bootstrap_weights(rng, 100, 1500, clusters)) for _ in range(10)])
    gain = estimate_gain(name, target, champion, challenger, Jackknife(1500, clusters, groups=300))
    assert gain.standard_error == pytest.approx(
        drawn.std(), rel=0.12
    )  # the bootstrap's own error is 2 %, the jackknife's 4 %


def test_of_a_mean_the_error_is_that_of_the_paired_t_test() -> None:
    target, champion, challenger = rows_of("mae", 3, 300)
    gain = estimate_gain("mae", target, champion, challenger, Jackknife(300, groups=50))
    losses = np.abs(champion - target) - np.abs(challenger - target)
    assert gain.standard_error == pytest.approx(losses.std(ddof=1) / math.sqrt(300))


def test_rows_that_are_left_out_together_count_once() -> None:
    target, champion, challenger = rows_of("roc_auc", 5, 200)
    alone = estimate_gain("roc_auc", target, champion, challenger, Jackknife(200, groups=200))
    tiled = [np.tile(column, 10) for column in (target, champion, challenger)]
    clusters = np.tile(np.arange(200), 10)
    for name in ("roc_auc", "f1"):
        alone = estimate_gain(name, target, champion, challenger, Jackknife(200, groups=200))
        together = estimate_gain(name, *tiled, Jackknife(2000, clusters, groups=200))
        assert (together.value, together.standard_error) == (
            pytest.approx(alone.value),
            pytest.approx(alone.standard_error),
        )
        assert estimate_gain(name, *tiled, Jackknife(2000, groups=200)).standard_error < 0.5 * alone.standard_error


def test_a_gain_that_rests_on_a_handful_of_rows_has_a_handful_of_degrees_of_freedom() -> None:
    few = MetricEstimate.from_parts(0.01, np.r_[np.full(5, 1.0), np.zeros(995)])
    many = MetricEstimate.from_parts(0.01, np.random.default_rng(0).normal(size=1000))
    assert few.degrees_of_freedom < 15
    assert many.degrees_of_freedom > 500


def test_four_rows_that_all_speak_for_the_challenger_prove_nothing() -> None:
    # A sign test gives 1/16; the normal distribution, which knows nothing of how few they are, gives 0.023.
    seen = MetricEstimate.from_parts(4 / 1000, np.r_[np.full(4, 1.0), np.zeros(996)] / 1000)
    assert seen.value / seen.standard_error > 1.96
    assert seen.bounds(0.975)[0] < 0


def test_with_fewer_than_two_parts_nothing_is_known() -> None:
    one = Jackknife(50, np.zeros(50), groups=200)
    figure = get_metric("brier").prepare(*rows_of("brier", 0, 50)[:2])
    for found in (
        one.estimate([figure])[0],
        one.estimate_from_influence(0.1, np.zeros(50)),
        MetricEstimate.from_parts(0.1, np.empty(0)),
    ):
        assert not found.is_finite
        assert all(map(math.isnan, found.bounds(0.975)))
        assert math.isnan(found.p_value_below(0))
    assert math.isnan(Jackknife(0, groups=200).estimate([figure])[0].value)


def test_a_figure_that_is_not_defined_without_some_rows_is_not_sure() -> None:
    target = np.r_[1.0, np.zeros(99)]
    scores = np.linspace(0, 1, 100)
    assert not Jackknife(100, groups=100).estimate([get_metric("recall").prepare(target, scores)])[0].is_finite


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40), st.floats(-10, 10))
def test_bounds_lie_on_both_sides_and_widen_with_confidence(parts: list[float], value: float) -> None:
    found = MetricEstimate.from_parts(value, np.array(parts))
    inner, outer = found.bounds(0.9), found.bounds(0.99)
    assert outer[0] <= inner[0] <= value <= inner[1] <= outer[1]


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40), st.floats(-10, 10), st.floats(-10, 10))
def test_a_bound_and_its_p_value_say_the_same(parts: list[float], value: float, mark: float) -> None:
    found = MetricEstimate.from_parts(value, np.array(parts))
    below = found.p_value_below(mark)
    assert 0 <= below <= 1
    if found.standard_error > 1e-6 and abs(below - 0.025) > 1e-6:
        assert (below < 0.025) == (found.bounds(0.975)[1] < mark)
