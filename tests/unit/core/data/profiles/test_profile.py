"""Profiles add up exactly, survive JSON, and stand for their data."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data import frames
from airflow_mlops.core.data.database import DatabaseTable
from airflow_mlops.core.data.profiles import Profile, counters, profile
from airflow_mlops.core.data.profiles import files as scan
from airflow_mlops.core.data.profiles.categories import MAX_NAMES
from airflow_mlops.core.data.profiles.numbers import CELLS

NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf]))
ROWS = st.lists(
    st.tuples(
        NUMBERS,
        st.one_of(st.none(), st.integers(-3, 400)),
        st.one_of(st.none(), st.text(max_size=3)),
        st.booleans(),
    ),
    max_size=60,
)
SCHEMA = {"number": pl.Float64, "whole": pl.Int64, "text": pl.String, "flag": pl.Boolean}


def frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@settings(deadline=None)
@given(ROWS, ROWS)
def test_a_profile_read_back_from_json_is_equal(a: Any, b: Any) -> None:
    first = profile(frame(a), cluster="text")
    second = profile(frame(b), like=first)
    for p in (first, second):
        assert Profile.from_dict(json.loads(json.dumps(p.to_dict(), allow_nan=False))) == p
        assert Profile.from_json(p.to_json()) == p


@pytest.mark.parametrize(("names", "extra"), [(150, 150), (150, 300), (5000, 10), (5000, 5000)])
def test_categories_beyond_the_cap_merge_exactly_too(names: int, extra: int) -> None:
    rng = np.random.default_rng(names + extra)
    like = profile(pl.DataFrame({"x": [f"n{i}" for i in rng.zipf(1.3, 20_000) % names]}))
    parts = [pl.DataFrame({"x": [f"n{i}" for i in rng.integers(0, names + extra, 700)]}) for _ in range(4)]
    one, two, three, four = (profile(part, like=like) for part in parts)
    whole = profile(pl.concat(parts), like=like)
    assert one.merge(two).merge(three).merge(four) == whole
    assert one.merge(two.merge(three.merge(four))) == whole
    assert (one.merge(two)).merge(three.merge(four)) == whole
    assert whole.rows == 2800 == whole.columns["x"].categories.count  # type: ignore[union-attr]


def test_the_cap_keeps_the_most_frequent_names_ties_by_name_and_counts_the_rest() -> None:
    names = [f"n{i:04}" for i in range(1000)]
    data = pl.DataFrame({"x": [*names, *names[500:550] * 3]})
    column = profile(data).columns["x"]
    assert column.categories is not None
    assert column.categories.base == (*names[500:550], *names[:150])
    assert column.categories.counts["n0500"] == 4
    assert len(column.categories.counts) == MAX_NAMES
    assert column.categories.other == data.height - 50 * 4 - 150
    assert column.distinct == pytest.approx(1000, rel=0.1)


def test_a_column_of_ever_new_names_stays_small_also_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SLICE_ROWS", 1000)
    monkeypatch.setattr(counters, "MAX_NAMES_IN_MEMORY", 1500)
    data = pl.DataFrame({"x": [f"id{i % 4500}" for i in range(5000)] + ["often"] * 500})
    p = profile(data)
    column = p.columns["x"].categories
    assert column is not None
    assert column.count == 5500
    assert column.distinct == pytest.approx(4501, rel=0.1)
    assert len(p.to_json()) < 10_000
    assert profile(data[::-1], like=p) == p


def test_a_million_names_are_counted_by_hash_with_their_lengths(tmp_path: Path) -> None:
    names = pl.Series("x", [f"name {i}" for i in range(1_000_000)])
    names.to_frame().write_parquet(tmp_path / "x.parquet")
    like = profile(names.head(1000).to_frame())
    whole = profile(tmp_path / "x.parquet", like=like).columns["x"].categories
    assert whole is not None
    assert whole.lengths is not None
    assert whole.count == whole.lengths.count == 1_000_000
    assert whole.distinct == pytest.approx(1_000_000, rel=0.1)
    assert {name: whole.counts[name] for name in whole.base} == dict.fromkeys(like.columns["x"].categories.base, 1)  # type: ignore[union-attr]
    assert {int(i): int(whole.lengths.counts[i]) for i in whole.lengths.counts.nonzero()[0]} == {
        6: 10,
        7: 90,
        8: 900,
        9: 9_000,
        10: 90_000,
        11: 900_000,
    }


def test_means_tails_and_extremes_agree_with_the_rows() -> None:
    values = np.random.default_rng(1).lognormal(0, 1.5, 200_000) * 1e-3 + 1e6
    column = profile(pl.DataFrame({"x": values})).columns["x"]
    numbers = column.numbers
    assert numbers is not None
    assert column.mean == pytest.approx(values.mean(), rel=1e-12)
    assert column.std == pytest.approx(values.std(), rel=1e-6)
    assert (numbers.min, numbers.max) == (values.min(), values.max())
    assert 0 < numbers.above < 40
    beyond = values[values >= numbers.grid.hi] - numbers.grid.hi
    assert numbers.above_sum * numbers.grid.step == pytest.approx(beyond.sum(), rel=1e-6)
    for q in (0.01, 0.25, 0.5, 0.9, 0.999):
        assert column.quantile(q) == pytest.approx(np.quantile(values, q), abs=2 * numbers.grid.step)
    assert column.quantile(0) == values.min()
    assert column.quantile(1) == values.max()


@pytest.mark.parametrize("low", [0, -7, 10**9])
def test_each_whole_number_of_a_small_range_has_its_own_cell(low: int) -> None:
    values = np.random.default_rng(2).integers(low, low + 1500, 50_000)
    for data in (values, values.astype(float)):
        numbers = profile(pl.DataFrame({"x": data})).columns["x"].numbers
        assert numbers is not None
        found = {int(numbers.grid.edge(i + 0.5)): int(c) for i, c in enumerate(numbers.counts) if c}
        assert found == dict(zip(*(a.tolist() for a in np.unique(values, return_counts=True)), strict=True))


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7, 5.0, 1e300, -1e-300, 5e-324, 2.0**60])
def test_a_constant_column_is_counted_in_one_cell(value: float) -> None:
    column = profile(pl.DataFrame({"x": [value] * 50})).columns["x"]
    assert column.numbers is not None
    assert column.numbers.counts.max() == 50
    assert column.std == 0
    assert column.mean == pytest.approx(value, rel=1e-6, abs=1e-5)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=30))
def test_no_number_is_too_strange_to_be_counted(values: list[float]) -> None:
    p = profile(pl.DataFrame({"x": values}))
    column = p.columns["x"]
    assert column.numbers is not None
    assert column.numbers.count == column.count == sum(math.isfinite(v) for v in values)
    assert column.missing == sum(math.isnan(v) for v in values)
    assert column.non_finite == sum(math.isinf(v) for v in values)
    assert Profile.from_json(p.to_json()) == p


def test_kinds_follow_types_and_dates_are_days() -> None:
    data = pl.DataFrame(
        {
            "day": [date(1970, 1, 3)],
            "when": pl.Series([datetime(1970, 1, 2, 12, tzinfo=UTC)], dtype=pl.Datetime("ns", "Asia/Tokyo")),
            "flag": [True],
            "list": [[1]],
            "nothing": pl.Series([None]),
            "money": pl.Series(["1.25"]).cast(pl.Decimal(10, 2)),
        }
    )
    p = profile(data)
    kinds = {name: column.kind for name, column in p.columns.items()}
    assert list(kinds.values()) == ["date", "date", "bool", "other", "category", "number"]
    assert [p.columns[c].mean for c in ("day", "when", "money")] == pytest.approx([2.0, 1.5, 1.25])
    assert p.columns["nothing"].missing == 1


def test_like_takes_the_reference_kinds_so_that_codes_and_missing_columns_compare() -> None:
    reference = profile(pl.DataFrame({"code": ["1", "2"], "flag": [True, False], "x": [1.5, 2.5], "gone": [1, 2]}))
    later = pd.DataFrame({"code": [1.0, np.nan], "flag": [1, 0], "x": [None, None], "new": [1, 1]})
    p = profile(later, like=reference)
    assert list(p.columns) == ["code", "flag", "x"]
    assert all(p.columns[c].has_same_cells(reference.columns[c]) for c in p.columns)
    assert p.columns["code"].categories.counts == {"1": 1}  # type: ignore[union-attr]
    assert p.columns["flag"].categories.counts == {"true": 1, "false": 1}  # type: ignore[union-attr]


def test_pandas_polars_and_files_give_the_same_profile(same: Callable[..., bool], tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    data = pl.DataFrame({"x": rng.normal(size=3000), "c": rng.choice(["a", "b"], 3000), "n": rng.integers(0, 5, 3000)})
    files = [tmp_path / f"{i}.parquet" for i in range(3)]
    for i, file in enumerate(files):
        data[i * 1000 : (i + 1) * 1000].write_parquet(file)
    whole = profile(data)
    for other in (data.to_pandas(), data.lazy(), files, tmp_path):
        assert same(profile(other), whole)


def test_clusters_are_counted_once_however_often_they_come() -> None:
    data = pl.DataFrame({"customer": [i % 500 for i in range(5000)], "x": range(5000)})
    p = profile(data, columns=["x"], cluster="customer")
    assert p.cluster_count == pytest.approx(500, rel=0.05)
    assert p.merge(profile(data, like=p)).cluster_count == p.cluster_count
    assert p.effective_rows == pytest.approx(500, rel=0.1)
    assert profile(data).cluster_count is None
    assert profile(data).effective_rows == 5000


def test_a_table_is_counted_in_its_database(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    data = pl.DataFrame({"x": [1, 2, 2], "c": ["a", "b", None]})
    data.to_pandas().to_sql("events", engine, index=False)
    assert profile(DatabaseTable(engine, "events"), cluster="c") == profile(data, cluster="c")


def test_rows_without_a_key_are_clusters_of_their_own() -> None:
    keys = [None] * 1000 + [math.nan] * 1000 + [7.0] * 2000
    p = profile(pl.DataFrame({"customer": keys}), cluster="customer")
    assert p.cluster_count == 2001
    assert p.effective_rows == pytest.approx(4000**2 / (2000 + 2000**2), abs=1)
    codes = pl.DataFrame({"customer": [7] * 2000 + [None] * 2000})
    assert profile(codes, like=p).clusters.to_dict() == p.clusters.to_dict()  # type: ignore[union-attr]


def test_profiles_over_different_cells_do_not_merge() -> None:
    a, b = profile(pl.DataFrame({"x": [1.5, 2.5]})), profile(pl.DataFrame({"x": [1.5, 9.5]}))
    with pytest.raises(BadInput, match=r"different cells\n.*column x\n.*like="):
        a.merge(b)
    with pytest.raises(BadInput, match=r"different columns: .*'y'"):
        a.merge(profile(pl.DataFrame({"y": [1]})))


def test_a_missing_column_or_a_damaged_profile_is_reported() -> None:
    data = pl.DataFrame({"x": [1, 2]})
    with pytest.raises(BadInput, match=r"no column.*'y'"):
        profile(data, columns=["y"])
    with pytest.raises(BadInput, match="no cluster column 'y'"):
        profile(data, cluster="y")
    with pytest.raises(BadInput, match=r"type List.*cannot be the cluster column\n.*column x"):
        profile(pl.DataFrame({"x": [[1]]}), cluster="x")
    with pytest.raises(BadInput, match="unknown column kinds"):
        profile(data, columns={"x": "nmber"})
    with pytest.raises(BadInput, match="format 99"):
        Profile.from_dict({"format": 99})
    with pytest.raises(BadInput, match="damaged"):
        Profile.from_dict({"format": 2, "rows": 1, "columns": {"x": {}}, "clusters": None, "cluster": None})
    with pytest.raises(BadInput, match="not JSON"):
        Profile.from_json("{")


def test_a_profile_is_small_whatever_the_data() -> None:
    rng = np.random.default_rng(5)
    data = pl.DataFrame({"x": rng.normal(size=300_000), "id": [f"{i:0120}" for i in range(300_000)]})
    p = profile(data)
    assert len(p.to_json()) < 40_000
    assert len(p.columns["x"].numbers.counts) == CELLS  # type: ignore[union-attr]


def test_sorted_data_in_many_slices_still_gets_a_grid_that_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (frames, scan):
        monkeypatch.setattr(module, "SLICE_ROWS", 1000)
    monkeypatch.setattr(scan, "SAMPLE_ROWS", 1600)
    numbers = profile(pl.DataFrame({"x": np.linspace(0, 1, 20_000) ** 2})).columns["x"].numbers
    assert numbers is not None
    assert numbers.below + numbers.above == 0
