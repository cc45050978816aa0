"""The statistics agree with SciPy, which the package itself does not import."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

from airflow_mlops.core.data.drift import statistics

COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=30).filter(
    lambda rows: sum(a for a, _ in rows) > 0 and sum(b for _, b in rows) > 0
)


@given(st.floats(0, 10))
def test_the_kolmogorov_tail_agrees_with_scipy(x: float) -> None:
    assert statistics.kolmogorov_tail(x) == pytest.approx(special.kolmogorov(x), abs=1e-10, rel=1e-6)


@given(st.floats(0, 2000), st.integers(1, 300))
def test_the_chi_squared_tail_agrees_with_scipy(x: float, df: int) -> None:
    assert statistics.chi_squared_tail(x, df) == pytest.approx(stats.chi2.sf(x, df), abs=1e-12, rel=1e-8)


@given(st.floats(0.01, 1), st.integers(50, 100_000), st.integers(50, 100_000))
def test_the_ks_p_value_agrees_with_scipy(distance: float, n_a: int, n_b: int) -> None:
    expected = stats.kstwobign.sf(distance * math.sqrt(n_a * n_b / (n_a + n_b)))
    assert statistics.ks_p_value(distance, n_a, n_b) == pytest.approx(expected, abs=1e-6)


@given(COUNTS)
def test_the_chi_squared_p_value_agrees_with_scipy_where_no_count_is_small(
    rows: list[tuple[int, int]],
) -> None:
    a, b = (np.array(side) + 40 for side in zip(*rows, strict=True))
    smallest = (a + b).min() * min(a.sum(), b.sum()) / (a.sum() + b.sum())
    if smallest >= statistics.SMALL_EXPECTED:
        expected = stats.chi2_contingency(np.array([a, b]), correction=True).pvalue
        assert statistics.chi_squared_p_value(a, b) == pytest.approx(expected, abs=1e-6)


def test_cells_with_few_counts_are_pooled_before_the_test() -> None:
    a, b = [500, 300, 2, 3, 1, 2], [480, 330, 1, 4, 3, 1]
    expected = stats.chi2_contingency([[500, 300, 8], [480, 330, 9]]).pvalue
    assert statistics.chi_squared_p_value(a, b) == pytest.approx(expected, abs=1e-9)


def test_the_chi_squared_test_keeps_its_level_with_a_thousand_rare_categories() -> None:
    rng = np.random.default_rng(3)
    draws = [rng.multinomial(2000, [1 / 1000] * 1000, size=2) for _ in range(300)]
    fired = np.mean([statistics.chi_squared_p_value(a, b) < 0.05 for a, b in draws])
    assert 0.01 < fired < 0.09


@given(COUNTS)
def test_the_jensen_shannon_distance_agrees_with_scipy(rows: list[tuple[int, int]]) -> None:
    a, b = zip(*rows, strict=True)
    assert statistics.jensen_shannon(a, b) == pytest.approx(jensenshannon(a, b, base=2), abs=1e-7)


@given(st.integers(0, 300), st.integers(300, 5000), st.integers(0, 300), st.integers(300, 5000))
def test_the_two_proportion_test_is_the_corrected_chi_squared_test(k: int, n: int, m: int, o: int) -> None:
    table = np.array([[k, n - k], [m, o - m]])
    if (table.sum(axis=0) > 0).all():
        expected = stats.chi2_contingency(table, correction=True).pvalue
        assert statistics.two_proportions_p_value(k, n, m, o) == pytest.approx(expected, abs=1e-9)


def test_holm_agrees_with_a_worked_example_and_never_lowers_a_p_value() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]) == []
    assert statistics.holm([math.nan, 0.001]) == [1.0, 0.002]


def test_no_sample_is_no_evidence() -> None:
    assert statistics.ks_p_value(1.0, 0, 100) == 1.0
    assert statistics.chi_squared_p_value([0, 0], [5, 5]) == 1.0
    assert statistics.two_proportions_p_value(0, 100, 0, 100) == 1.0
    assert math.isnan(statistics.jensen_shannon([0, 0], [1, 2]))
    assert math.isnan(statistics.chi_squared_tail(math.nan, 3))


def test_judging_profiles_imports_neither_scipy_nor_polars_nor_pandas() -> None:
    code = (
        "import sys; from airflow_mlops.core.data import Profile, check_drift;"
        "check_drift(Profile(0), Profile(0));"
        "print([m for m in ('scipy', 'polars', 'pandas', 'sklearn', 'airflow') if m in sys.modules])"
    )
    path = {"PYTHONPATH": "provider", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=path, check=True)
    assert done.stdout.strip() == "[]"
