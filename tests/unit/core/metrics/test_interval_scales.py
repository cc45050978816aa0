"""Intervals lie where the figure can lie, and are those of the textbooks where these have one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from airflow_mlops.core.metrics import interval_scales
from airflow_mlops.core.metrics.estimate import MetricEstimate

ERRORS, FREEDOMS = st.floats(1e-6, 0.5), st.floats(1.0, 1e5)


def of_trials(hits: int, trials: int) -> MetricEstimate:
    share = hits / trials
    return MetricEstimate(share, math.sqrt(share * (1 - share) / trials), 1e6)


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (1, 10), (7, 10), (50, 50), (499, 500)])
def test_of_independent_rows_the_interval_of_a_share_is_wilsons(hits: int, trials: int) -> None:
    theirs = stats.binomtest(hits, trials).proportion_ci(method="wilson")
    assert interval_scales.proportion_interval(of_trials(hits, trials), trials, 0.95) == pytest.approx(
        tuple(theirs), abs=1e-5
    )


def test_f1_follows_from_the_share_of_hits_among_rows_that_are_or_are_taken_for_positive() -> None:
    low, high = interval_scales.proportion_interval(of_trials(12, 20), 20, 0.95)
    share = of_trials(12, 20)
    f1 = MetricEstimate(2 * 0.6 / 1.6, share.standard_error * 2 / 1.6**2, 1e6)
    assert interval_scales.f1_interval(f1, 20, 0.95) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))


@given(st.floats(0, 1), ERRORS | st.just(0.0), FREEDOMS, st.integers(3, 10**6))
def test_shares_and_areas_stay_between_zero_and_one_around_their_value(
    value: float, error: float, freedom: float, trials: int
) -> None:
    seen = MetricEstimate(value, error, freedom)
    for low, high in (
        of(seen, trials, 0.95)
        for of in (interval_scales.proportion_interval, interval_scales.auc_interval, interval_scales.f1_interval)
    ):
        assert 0 <= low <= value + 1e-12
        assert value - 1e-12 <= high <= 1
        assert low < high


@given(st.floats(1e-3, 1e6), ERRORS, FREEDOMS)
def test_a_loss_stays_above_zero_and_is_as_far_from_both_ends_in_parts(
    value: float, error: float, freedom: float
) -> None:
    low, high = interval_scales.loss_interval(MetricEstimate(value, error * value, freedom), 0.95)
    assert 0 < low < value < high
    assert value / low == pytest.approx(high / value)


@given(st.floats(-5, 0.999), ERRORS, FREEDOMS)
def test_an_explained_share_stays_below_one(value: float, error: float, freedom: float) -> None:
    low, high = interval_scales.r2_interval(MetricEstimate(value, error * (1 - value), freedom), 0.95)
    assert low < value < high < 1


@given(st.floats(0.01, 0.99), st.floats(0.001, 0.2), FREEDOMS)
def test_more_confidence_is_wider(value: float, error: float, freedom: float) -> None:
    seen = MetricEstimate(value, error, freedom)
    for of in (interval_scales.proportion_interval, interval_scales.auc_interval, interval_scales.f1_interval):
        inner, outer = of(seen, 50, 0.8), of(seen, 50, 0.99)
        assert 0 <= outer[0] <= inner[0] <= inner[1] <= outer[1] <= 1
        assert outer != inner


def test_where_nothing_differed_the_number_of_rows_says_how_sure_it_is() -> None:
    always = MetricEstimate(1.0, 0.0, 9.0)
    few, many = (interval_scales.auc_interval(always, trials, 0.95) for trials in (10, 1000))
    assert few[1] == many[1] == 1
    assert few[0] < 0.75 < 0.99 < many[0]
    assert interval_scales.loss_interval(MetricEstimate(0.0, 0.0, 9.0), 0.95) == (0, 0)
    assert np.isfinite(interval_scales.loss_interval(MetricEstimate(1e-3, 1e3, 1.0), 0.95)).all()
