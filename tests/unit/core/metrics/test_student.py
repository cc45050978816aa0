"""Student's distribution, held against SciPy's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from airflow_mlops.core.metrics import student

FREEDOM = st.floats(1, 100_000)


@given(st.floats(-40, 40), FREEDOM)
def test_the_tail_is_the_one_that_scipy_gives(t: float, freedom: float) -> None:
    assert student.tail(t, freedom) == pytest.approx(stats.t.sf(t, freedom), rel=1e-7, abs=1e-300)


@given(st.floats(0.5, 0.9999), FREEDOM)
def test_the_quantile_is_where_the_tail_is_left(chance: float, freedom: float) -> None:
    assert student.quantile(chance, freedom) == pytest.approx(stats.t.ppf(chance, freedom), rel=1e-6, abs=1e-9)


def test_far_out_and_unknown_are_said_as_such() -> None:
    assert student.tail(math.inf, 5) == 0
    assert student.tail(-math.inf, 5) == 1
    assert math.isnan(student.tail(math.nan, 5))
    assert math.isnan(student.tail(1.0, math.nan))
