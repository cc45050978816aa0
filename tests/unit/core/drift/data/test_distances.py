"""Distances from counts agree with those from the rows."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency

from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.data.profiles.numbers import NumberHistogram
from airflow_mlops.core.drift.data import distances

COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=30).filter(
    lambda rows: sum(a for a, _ in rows) > 0 and sum(b for _, b in rows) > 0
)


def counted(reference: np.ndarray, current: np.ndarray) -> tuple[NumberHistogram, NumberHistogram]:
    before = profile(pl.DataFrame({"x": reference}))
    now = profile(pl.DataFrame({"x": current}), like=before)
    assert before.columns["x"].numbers is not None
    assert now.columns["x"].numbers is not None
    return before.columns["x"].numbers, now.columns["x"].numbers


@given(COUNTS)
def test_the_jensen_shannon_distance_agrees_with_scipy(rows: list[tuple[int, int]]) -> None:
    a, b = zip(*rows, strict=True)
    assert distances.jensen_shannon(a, b) == pytest.approx(jensenshannon(a, b, base=2), abs=1e-7)


def test_a_row_without_counts_has_no_distance() -> None:
    for distance in (distances.jensen_shannon, distances.psi, distances.cramers_v):
        assert math.isnan(distance([0, 0], [1, 2]))


@given(COUNTS)
def test_cramers_v_of_rows_of_one_size_is_that_of_the_table(rows: list[tuple[int, int]]) -> None:
    a = np.array([row[0] for row in rows])
    b = np.roll(a, 1)
    seen = a + b > 0
    expected = math.sqrt(chi2_contingency([a[seen], b[seen]], correction=False).statistic / (a.sum() + b.sum()))
    assert distances.cramers_v(a, b) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("family", ["normal", "exponential", "standard_t", "poisson"])
def test_psi_is_that_of_the_rows_counted_in_the_same_bins(family: str) -> None:
    rng = np.random.default_rng(2)
    draw = {"standard_t": lambda n: rng.standard_t(3, n), "poisson": lambda n: rng.poisson(40, n) * 1.0}.get(
        family, lambda n: getattr(rng, family)(size=n)
    )
    reference, current = draw(20_000), draw(15_000) * 1.1 + 0.1
    a, b = counted(reference, current)
    first, second = distances.count_in_bins(a, b)
    edges = np.concatenate([[-np.inf], a.grid.lo + a.grid.step * np.arange(a.grid.cells + 1), [np.inf]])
    cuts = [edges[0]]
    for target in 20_000 * np.arange(1, 10) / 10:  # the first edge that has at least this many rows to its left
        cuts.append(next(edge for edge in edges[1:] if (reference < edge).sum() >= target))
    cuts = [*dict.fromkeys(cuts), np.inf]
    p, q = (np.histogram(side, cuts)[0] / len(side) for side in (reference, current))
    direct = float(sum((x - y) * math.log(x / y) for x, y in zip(p, q, strict=True)))
    assert np.allclose(first / first.sum(), p)
    assert distances.psi(first, second) == pytest.approx(direct, rel=1e-9)


def test_bins_hold_about_equal_shares_of_the_reference_and_all_rows_of_both() -> None:
    rng = np.random.default_rng(3)
    a, b = counted(rng.normal(size=50_000), rng.normal(5, 3, 10_000))
    first, second = distances.count_in_bins(a, b)
    assert len(first) == distances.BINS
    assert (first.sum(), second.sum()) == (50_000, 10_000)
    assert first.min() > 4_000


def test_a_value_that_is_most_of_the_column_makes_for_fewer_bins() -> None:
    rng = np.random.default_rng(3)
    values = np.where(rng.random(5000) < 0.8, 0.0, rng.exponential(1, 5000))
    first, second = distances.count_in_bins(*counted(values, values))
    assert 2 <= len(first) < distances.BINS
    assert distances.psi(first, second) == 0.0


@given(COUNTS)
def test_psi_is_finite_and_the_same_both_ways_whatever_is_empty(rows: list[tuple[int, int]]) -> None:
    a, b = zip(*rows, strict=True)
    assert math.isfinite(distances.psi(a, b))
    assert distances.psi(a, b) == pytest.approx(distances.psi(b, a))
    assert distances.psi(a, a) == 0
