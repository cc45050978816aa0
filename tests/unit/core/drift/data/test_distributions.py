"""The picture of a column is small, and holds all rows of both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.report import to_bounded_json
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.drift.data.distributions import MAX_BARS, MAX_NAMES, bin_distributions


def shape(reference: Any, current: Any) -> dict[str, Any]:
    before = profile(pl.DataFrame({"x": reference}))
    now = profile(pl.DataFrame({"x": current}), like=before)
    found = bin_distributions(before.columns["x"], now.columns["x"])
    assert found is not None
    return found


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_shares_of_each_side_sum_to_one(reference: list[float], current: list[float]) -> None:
    found = shape(reference, current)
    for side in ("reference", "current"):
        assert len(found[side]) <= MAX_BARS
        assert sum(found[side]) == pytest.approx(1, abs=1e-3)
    assert found["lo"] < found["hi"]


def test_bars_are_where_the_rows_are() -> None:
    rng = np.random.default_rng(0)
    reference, current = rng.normal(size=20_000), rng.normal(1, 0.7, 20_000)
    found = shape(reference, current)
    edges = np.linspace(found["lo"], found["hi"], MAX_BARS + 1)
    edges[0], edges[-1] = -np.inf, np.inf
    for side, values in (("reference", reference), ("current", current)):
        assert np.allclose(found[side], np.histogram(values, edges)[0] / 20_000, atol=2e-3)


def test_few_values_have_a_bar_each() -> None:
    found = shape([0, 1, 1, 3], [3, 3, 2, 0])
    assert (found["lo"], found["hi"]) == (-0.5, 3.5)
    assert (found["reference"], found["current"]) == ([0.25, 0.5, 0, 0.25], [0.25, 0, 0.25, 0.5])


def test_a_constant_has_a_picture_too() -> None:
    found = shape([5.0] * 10, [5.0] * 3)
    assert found["lo"] < 5 < found["hi"]
    assert (found["reference"], found["current"]) == ([1.0], [1.0])


def test_names_are_the_frequent_ones_of_either_side_and_the_rest_is_one_bar() -> None:
    reference = [f"n{i % 30}" for i in range(3000)] + ["big"] * 1000
    found = shape(reference, ["new"] * 50 + reference[:50])
    assert found["names"][0] == "new"
    assert "big" in found["names"]
    assert (len(found["names"]), found["names"][-1]) == (MAX_NAMES, "other")
    assert sum(found["reference"]) == pytest.approx(1, abs=1e-3)
    assert found["reference"][0] == 0


def test_a_picture_passes_through_a_report_unchanged() -> None:
    found = shape(["a", "b"] * 100, ["a"] * 100)
    assert to_bounded_json(found) == found


def test_nothing_has_no_picture() -> None:
    empty = profile(pl.DataFrame({"x": [None, None]}, schema={"x": pl.Float64})).columns["x"]
    assert bin_distributions(empty, empty) is None
