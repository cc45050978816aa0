"""The tests agree with those of ``scipy.stats``, which the package itself does not import."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from airflow_mlops.common.statistics import significance

COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=30).filter(
    lambda rows: sum(a for a, _ in rows) > 0 and sum(b for _, b in rows) > 0
)


@pytest.mark.parametrize("tail", [significance.kolmogorov_tail, lambda x: significance.chi_squared_tail(x, 5)])
def test_a_tail_falls_from_one_to_zero_and_is_nan_for_nan(tail: Callable[[float], float]) -> None:
    values = [tail(x) for x in (0.0, 0.01, 0.5, 1.0, 2.0, 5.0, 30.0, 1e6, math.inf)]
    assert values == sorted(values, reverse=True)
    assert (values[0], values[-1]) == (1.0, 0.0)
    assert math.isnan(tail(math.nan))


def test_without_degrees_of_freedom_nothing_is_significant() -> None:
    assert significance.chi_squared_tail(9.0, 0) == 1.0


@given(st.floats(0.01, 1), st.integers(50, 100_000), st.integers(50, 100_000))
def test_the_ks_p_value_agrees_with_scipy(distance: float, n_a: int, n_b: int) -> None:
    expected = stats.kstwobign.sf(distance * math.sqrt(n_a * n_b / (n_a + n_b)))
    assert significance.ks_p_value(distance, n_a, n_b) == pytest.approx(expected, abs=1e-6)


@given(COUNTS)
def test_the_chi_squared_p_value_agrees_with_scipy_where_no_count_is_small(
    rows: list[tuple[int, int]],
) -> None:
    a, b = (np.array(side) + 40 for side in zip(*rows, strict=True))
    smallest = (a + b).min() * min(a.sum(), b.sum()) / (a.sum() + b.sum())
    if smallest >= significance.MIN_EXPECTED_COUNT and len(a) > 2:
        expected = stats.chi2_contingency(np.array([a, b])).pvalue
        assert significance.chi_squared_p_value(a, b) == pytest.approx(expected, abs=1e-6)


def test_cells_with_few_counts_are_pooled_before_the_test() -> None:
    a, b = [500, 300, 8, 5, 4, 3], [480, 330, 9, 4, 3, 2]
    expected = stats.chi2_contingency([[500, 300, 20], [480, 330, 18]]).pvalue
    assert significance.chi_squared_p_value(a, b) == pytest.approx(expected, abs=1e-9)


@given(COUNTS, st.integers(1, 40))
def test_pooling_loses_no_count_and_leaves_no_small_cell_but_one_beside_another(
    rows: list[tuple[int, int]], least: int
) -> None:
    a, b = (np.array(side, dtype=float) for side in zip(*rows, strict=True))
    first, second = significance.pool_cells(a, b, least)
    assert (first.sum(), second.sum()) == (a.sum(), b.sum())
    smaller = min(a.sum(), b.sum()) / (a.sum() + b.sum())
    assert len(first) <= 2 or ((first + second) * smaller >= least - 1e-9).all()


def test_pooling_does_not_look_at_the_difference_of_the_rows() -> None:
    rng = np.random.default_rng(4)
    both = rng.integers(0, 30, 50)
    splits = [rng.binomial(both, 0.5) for _ in range(20)]
    sizes = {
        len(significance.pool_cells(s * 1.0, (both - s) * 1.0, 15.0)[0]) for s in splits if s.sum() == splits[0].sum()
    }
    assert len(sizes) == 1


@pytest.mark.parametrize(("reference", "current"), [(100_000, 100), (100_000, 1000), (1000, 1000), (100, 100_000)])
def test_the_chi_squared_test_keeps_its_level_far_out_where_corrected_p_values_decide(
    reference: int, current: int
) -> None:
    rng = np.random.default_rng(5)
    shares = 1 / np.arange(1, 21) / (1 / np.arange(1, 21)).sum()
    draws = zip(rng.multinomial(reference, shares, 8000), rng.multinomial(current, shares, 8000), strict=True)
    fired = sum(significance.chi_squared_p_value(a, b) < 1e-3 for a, b in draws)
    assert fired <= 18  # 8 are expected; more than 18 have a chance below 1 in 1,000


def test_the_chi_squared_test_keeps_its_level_with_a_thousand_rare_categories() -> None:
    rng = np.random.default_rng(3)
    draws = [rng.multinomial(2000, [1 / 1000] * 1000, size=2) for _ in range(300)]
    fired = np.mean([significance.chi_squared_p_value(a, b) < 0.05 for a, b in draws])
    assert 0.01 < fired < 0.09


@pytest.mark.parametrize("weights", [(0.04, 0.04), (0.0395, 0.0394), (0.02, 0.5)])
def test_the_chi_squared_test_keeps_its_level_where_rows_belong_together(weights: tuple[float, float]) -> None:
    rng = np.random.default_rng(6)
    sizes = [round(1 / weight) for weight in weights]
    draws = [[rng.multinomial(500, [1 / 200] * 200) * size for size in sizes] for _ in range(400)]
    fired = sum(significance.chi_squared_p_value(a, b, *weights) < 0.05 for a, b in draws)
    assert 5 <= fired <= 40  # 20 are expected


@given(st.integers(1, 400), st.integers(1, 400), st.floats(0, 1), st.floats(0, 1))
def test_few_successes_are_tested_exactly(n: int, m: int, share_a: float, share_b: float) -> None:
    k, j = round(n * share_a), round(m * share_b)
    table = [[k, n - k], [j, m - j]]
    expected = min(1.0, 2 * min(stats.fisher_exact(table, alternative=side)[1] for side in ("less", "greater")))
    assert significance.two_proportions_p_value(k, n, j, m) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_many_successes_are_tested_by_the_corrected_z_test() -> None:
    table = [[60_000, 40_000], [60_500, 39_500]]
    expected = stats.chi2_contingency(table, correction=True).pvalue
    assert significance.two_proportions_p_value(60_000, 100_000, 60_500, 100_000) == pytest.approx(expected, rel=1e-6)


def test_holm_agrees_with_a_worked_example_and_never_lowers_a_p_value() -> None:
    assert significance.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert significance.holm([]) == []
    assert significance.holm([math.nan, 0.001]) == [1.0, 0.002]


def test_no_sample_is_no_evidence() -> None:
    assert significance.ks_p_value(1.0, 0, 100) == 1.0
    assert significance.chi_squared_p_value([0, 0], [5, 5]) == 1.0
    assert significance.two_proportions_p_value(0, 100, 0, 100) == 1.0
    assert math.isnan(significance.chi_squared_tail(math.nan, 3))


def test_comparing_profiles_imports_neither_scipy_stats_nor_polars_nor_pandas() -> None:
    code = (
        "import sys; from airflow_mlops.core.data.profiles import Profile;"
        "from airflow_mlops.core.drift.data import check_drift;"
        "from airflow_mlops.common.statistics.significance import ks_p_value;"
        "check_drift(Profile(0), Profile(0)); print('scipy' in sys.modules); ks_p_value(0.1, 50, 50);"
        "heavy = ('scipy.special', 'scipy.stats', 'polars', 'pandas', 'sklearn', 'airflow');"
        "print([m for m in heavy if m in sys.modules])"
    )
    path = {"PYTHONPATH": "provider", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=path, check=True)
    assert done.stdout.split("\n")[:2] == ["False", "['scipy.special']"]
