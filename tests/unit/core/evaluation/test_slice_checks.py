"""Slices have names that stay, no row is lost between them, and each is compared on its own rows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.evaluation.slice_checks import compare_models, slice_checks
from airflow_mlops.core.evaluation.slicing import MAX_LABELS, slice_labels
from airflow_mlops.core.metrics import get_metric


def labels(values: Any, **how: Any) -> list[str]:
    return list(slice_labels(pd.Series(values), **how))


def test_names_are_slices_and_missing_is_one() -> None:
    assert labels(["north", None, "south", "north"]) == ["north", "missing", "south", "north"]
    assert labels([None, None]) == ["missing", "missing"]


def test_whole_numbers_of_which_there_are_few_are_names() -> None:
    assert labels([1, 2, 3, 3]) == ["1", "2", "3", "3"]
    assert labels([1.0, 0.0, np.nan]) == ["1", "0", "missing"]
    assert labels([True, False]) == ["True", "False"]


def test_numbers_are_cut_into_quarters_of_these_rows() -> None:
    found = labels(list(np.arange(100.0)))
    names, rows = np.unique(found, return_counts=True)
    assert set(names) == {"<= 24", "> 24 to 49", "> 49 to 74", "> 74"}
    assert rows.tolist() == [25] * 4
    assert found[24] == "<= 24"


def test_large_numbers_keep_the_digits_that_tell_them_apart() -> None:
    found = labels([20240101.5, 20240102.5, 20240103.5, 20240104.5] * 10)
    assert len(set(found)) == 4
    assert "<= 20240101.5" in found


def test_moments_are_cut_into_quarters_too() -> None:
    found = labels(list(pd.date_range("2026-01-01", periods=100, freq="D")))
    assert len(set(found)) == 4
    assert "<= 2026-01-25T00:00:00" in found


def test_the_rarest_of_many_names_are_one_slice() -> None:
    found = labels([str(i) for i in range(60) for _ in range(60 - i)])
    assert len(set(found)) == MAX_LABELS
    assert found.count("other") == sum(60 - i for i in range(49, 60))
    assert "0" in found


def test_a_very_long_name_is_cut() -> None:
    assert len(labels(["x" * 10**6, "y"])[0]) <= 80


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9), st.floats(-3, 3)), min_size=1, max_size=60))
def test_quarters_are_in_the_order_of_the_numbers_and_no_row_is_lost(values: list[float | None]) -> None:
    column = pd.Series(values, dtype="float64")
    found = slice_labels(column)
    assert (found == "missing").tolist() == column.isna().tolist()
    present = column[column.notna()].to_numpy()
    names = found[column.notna().to_numpy()]
    assert len(set(names)) <= max(4, 10)
    ranges = sorted((present[names == n].min(), present[names == n].max()) for n in set(names))
    assert all(before[1] < after[0] for before, after in pairwise(ranges))


def regions(rows: int = 900, seed: int = 0) -> pd.DataFrame:
    """Better overall, worse in the north: ``p`` is the champion's score, ``q`` the challenger's."""
    rng = np.random.default_rng(seed)
    y = (rng.random(rows) < 0.4).astype(float)
    region = rng.choice(["north", "south", "east"], rows, p=[0.3, 0.5, 0.2])

    def told(strength: Any) -> Any:
        return 1 / (1 + np.exp(-(strength * (y - 0.5) + rng.normal(size=rows))))

    strong = np.where(region == "north", 0.2, 3.0)
    return pd.DataFrame({"region": region, "p": told(1.5), "q": told(strong), "y": y})


def test_better_overall_and_worse_in_one_slice_is_told_for_each(scored: Callable[..., Any], by_column: Any) -> None:
    frame = regions()
    both = scored(frame, challenger=by_column("q"), champion=by_column("p"), slices=["region"])
    told = {c.where: c for c in slice_checks(both)}
    assert set(told) == {"slice region=north", "slice region=south", "slice region=east"}
    north, south = told["slice region=north"], told["slice region=south"]
    assert north.observed["high"] < 0 < south.observed["low"]
    assert {c.severity for c in told.values()} == {"info"}
    part = frame[frame["region"] == "north"]
    assert north.observed["rows"] == len(part)
    assert north.observed["challenger"] == get_metric("roc_auc").value(part["y"].to_numpy(), part["q"].to_numpy())
    assert north.observed["champion"] == get_metric("roc_auc").value(part["y"].to_numpy(), part["p"].to_numpy())
    assert north.observed["gain"] == pytest.approx(north.observed["challenger"] - north.observed["champion"])


def test_a_slice_of_twelve_rows_is_not_judged(scored: Callable[..., Any], by_column: Any) -> None:
    frame = regions(300)
    frame.loc[:11, "region"] = "island"
    both = scored(frame, challenger=by_column("q"), champion=by_column("p"), slices=["region"])
    island = next(c for c in slice_checks(both) if c.where == "slice region=island")
    assert island.status == "inconclusive"
    assert "12 rows" in island.message
    assert np.isnan(island.observed["low"])


def test_a_slice_with_one_class_is_not_judged(scored: Callable[..., Any], by_column: Any) -> None:
    frame = regions(300)
    frame.loc[frame["region"] == "east", "y"] = 0.0
    told = slice_checks(scored(frame, challenger=by_column("q"), slices=["region"]))
    east = next(c for c in told if c.where == "slice region=east")
    assert east.status == "inconclusive"
    assert "not defined" in east.message


def test_without_a_champion_the_interval_is_that_of_the_value(scored: Callable[..., Any], by_column: Any) -> None:
    for check in slice_checks(scored(regions(), challenger=by_column("q"), slices=["region"])):
        seen = check.observed
        assert seen["gain"] is None
        assert seen["champion"] is None
        assert seen["low"] < seen["challenger"] < seen["high"]


def test_identical_models_have_no_gain_in_any_resample() -> None:
    frame = regions(200)
    same = {"challenger": frame["q"].to_numpy(), "champion": frame["q"].to_numpy()}
    seen = compare_models("roc_auc", frame["y"].to_numpy(), same, np.arange(200))
    assert (seen["gain"], seen["low"], seen["high"]) == (0.0, 0.0, 0.0)


def test_a_gain_is_above_zero_when_errors_are_smaller() -> None:
    y = np.random.default_rng(0).normal(size=100)
    seen = compare_models("mae", y, {"challenger": y + 0.1, "champion": y + 0.5}, np.arange(100))
    assert seen["gain"] == pytest.approx(0.4)
    assert seen["low"] == pytest.approx(0.4)


def test_copies_of_customers_do_not_make_a_gain_surer() -> None:
    frame = regions(100)
    y, q, p = (np.repeat(frame[c].to_numpy(), 9) for c in ("y", "q", "p"))
    scores = {"challenger": q, "champion": p}
    naive = compare_models("brier", y, scores, np.arange(900))
    honest = compare_models("brier", y, scores, np.repeat(np.arange(100), 9))
    assert honest["high"] - honest["low"] > 2 * (naive["high"] - naive["low"])
