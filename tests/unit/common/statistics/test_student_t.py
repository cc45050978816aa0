"""Student's distribution is symmetric, falls, and has a quantile that its tail inverts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.statistics import student_t

FREEDOM = st.floats(1, 100_000)


@given(st.floats(0, 30), FREEDOM)
def test_the_tails_are_symmetric_and_fall(t: float, freedom: float) -> None:
    assert student_t.survival(t, freedom) + student_t.survival(-t, freedom) == pytest.approx(1)
    assert student_t.survival(t + 1, freedom) < student_t.survival(t, freedom) <= 0.5


@given(st.floats(0.5, 0.9999), FREEDOM)
def test_a_quantile_is_exceeded_with_the_rest_of_its_probability(probability: float, freedom: float) -> None:
    quantile = student_t.quantile(probability, freedom)
    assert student_t.survival(quantile, freedom) == pytest.approx(1 - probability, rel=1e-6)


def test_a_far_tail_keeps_its_digits() -> None:
    assert student_t.survival(1e10, 1) == pytest.approx(1 / (math.pi * 1e10))


def test_infinity_and_nan_have_tails() -> None:
    assert student_t.survival(math.inf, 5) == 0
    assert student_t.survival(-math.inf, 5) == 1
    assert math.isnan(student_t.survival(math.nan, 5))
    assert math.isnan(student_t.survival(1.0, math.nan))
