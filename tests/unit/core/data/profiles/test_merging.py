"""Profiles merge in any order and grouping, from any source, into the profile of all rows."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.data import frames
from airflow_mlops.core.data.profiles import Profile, categories, counters, files, profile, text

SCHEMA = {
    "number": pl.Float64(),
    "whole": pl.Int64(),
    "large": pl.UInt64(),
    "money": pl.Decimal(20, 3),
    "text": pl.String(),
    "flag": pl.Boolean(),
    "day": pl.Date(),
    "moment": pl.Datetime("us", "Asia/Tokyo"),
    "span": pl.Duration("ms"),
    "list": pl.List(pl.Int64),
    "nothing": pl.Null(),
}
ACCENT = "\N{COMBINING ACUTE ACCENT}"
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf, 5e-324, 1e300]),
    "whole": st.integers(-3, 400) | st.sampled_from([2**53, 2**53 + 1, -(2**63)]),
    "large": st.sampled_from([0, 2**53 + 1, 2**64 - 1]),
    "money": st.decimals(-(10**6), 10**6, places=3),
    "text": st.text("ab", max_size=2) | st.sampled_from(["é", f"e{ACCENT}", "x" * 80, "x" * 81, "😀" * 20, "\0"]),
    "flag": st.booleans(),
    "day": st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    "moment": st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    "span": st.timedeltas(timedelta(-9), timedelta(9)),
    "list": st.lists(st.integers(0, 3), max_size=2),
    "nothing": st.none(),
}
ROWS = st.lists(st.tuples(*(st.none() | VALUES[name] for name in SCHEMA)), max_size=15)


@pytest.fixture(autouse=True, scope="module")
def _small_caps() -> Iterator[None]:
    """Make columns overflow, blocks end and slices split in a few rows already."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (categories, counters):
            patch.setattr(module, "MAX_NAMES", 3)
        patch.setattr(counters, "MAX_NAMES_IN_MEMORY", 8)
        patch.setattr(counters, "PROBE_ROWS", 4)
        patch.setattr(counters, "BLOCK", 5)
        patch.setattr(text, "BLOCK", 5)
        yield


def frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@settings(max_examples=50, deadline=None)
@given(ROWS, ROWS, ROWS, ROWS, st.sampled_from([None, "text", "whole", "day"]))
def test_merging_is_associative_commutative_and_gives_the_profile_of_the_whole(
    same: Callable[..., bool], r: Any, a: Any, b: Any, c: Any, cluster: str | None
) -> None:
    like = profile(frame(r), cluster=cluster)
    one, two, three = (profile(frame(part), like=like) for part in (a, b, c))
    whole = profile(frame([*a, *b, *c]), like=like)
    assert same(one.merge(two).merge(three), whole)
    assert same(one.merge(two.merge(three)), whole)
    assert same(three.merge(one).merge(two), whole)
    assert same(one.merge(two), two.merge(one))


@settings(max_examples=30, deadline=None)
@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 9), st.integers(0, 400))
def test_order_chunks_and_slices_change_nothing(
    same: Callable[..., bool], rows: Any, random: Any, size: int, small: int
) -> None:
    like = profile(frame(rows), cluster="text")
    shuffled = list(rows)
    random.shuffle(shuffled)
    cuts = sorted(random.randint(0, len(rows)) for _ in range(3))
    parts = [frame(shuffled[a:b]) for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    chunked = pl.concat(parts, rechunk=False)
    assert same(profile(frame(shuffled), cluster="text"), like)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "SLICE_ROWS", size)
        patch.setattr(files, "MAX_VALUES_AT_ONCE", small)
        for source in (frame(shuffled), chunked, chunked.lazy()):
            assert same(profile(source, like=like), like)


@settings(max_examples=20, deadline=None)
@given(ROWS, st.integers(1, 5))
def test_files_frames_and_a_pandas_frame_give_the_same(
    same: Callable[..., bool], tmp_path_factory: pytest.TempPathFactory, rows: Any, size: int
) -> None:
    data = frame(rows).drop("list", "nothing", "large")
    like = profile(data)
    folder = tmp_path_factory.mktemp("files")
    for i in range(0, max(len(rows), 1), size):
        data[i : i + size].write_parquet(folder / f"{i:03}.parquet")
    data.write_parquet(folder / "whole", row_group_size=size)
    one = folder / "whole"
    for source in (sorted(folder.glob("*.parquet")), folder, one, pl.scan_parquet(one), data.lazy()):
        assert same(profile(source, like=like), like)
    if not any(isinstance(value, float) and math.isnan(value) for row in rows for value in row):
        assert same(profile(data.to_pandas(), like=like), like)


def test_a_frame_of_pandas_has_its_missing_values_and_its_whole_numbers(same: Callable[..., bool]) -> None:
    data = pl.DataFrame(
        {"code": [1, None, 2], "x": [1.5, None, math.inf], "c": ["a", None, "b"], "f": [True, None, False]}
    )
    like = profile(data, columns={"code": "category", "x": "number", "c": "category", "f": "bool"})
    assert same(profile(data.to_pandas(), like=like), like)
    assert like.columns["code"].categories.counts == {"1": 1, "2": 1}  # type: ignore[union-attr]


@settings(deadline=None)
@given(st.lists(st.text(f"ae{ACCENT}é", max_size=4), max_size=20), st.sampled_from(["NFC", "NFD"]), st.booleans())
def test_composed_and_decomposed_names_count_as_one(names: list[str], form: Any, many: bool) -> None:
    names += [f"n{i}" for i in range(30 * many)]  # beyond the cap they are counted by hash
    like = profile(pl.DataFrame({"x": names}, schema={"x": pl.String}))
    other = [unicodedata.normalize(form, name) for name in names]
    assert profile(pl.DataFrame({"x": other}, schema={"x": pl.String}), like=like) == like


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), min_size=1, max_size=20))
def test_the_same_moments_in_any_zone_and_unit_are_the_same(moments: list[datetime | None]) -> None:
    utc = pl.Series("t", moments, dtype=pl.Datetime("us")).dt.replace_time_zone("UTC")
    like = profile(utc.to_frame())
    for other in (utc.dt.convert_time_zone("America/New_York"), utc.dt.replace_time_zone(None)):
        assert profile(other.to_frame(), like=like) == like
        assert profile(other.to_frame()) == like
    first = next((m for m in moments if m is not None), None)
    if first is not None and len({*moments} - {None}) == 1:
        days = (first.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(days=1)
        assert like.columns["t"].mean == pytest.approx(days, abs=1e-6)


def test_clocks_that_are_set_back_do_not_fold_two_hours_into_one() -> None:
    zone = ZoneInfo("Europe/Berlin")
    twice = [datetime(2026, 10, 25, 2, 30, tzinfo=zone, fold=fold) for fold in (0, 1)]
    numbers = (
        profile(pl.DataFrame({"t": pl.Series(twice, dtype=pl.Datetime("us", "Europe/Berlin"))})).columns["t"].numbers
    )
    assert numbers is not None
    assert numbers.max - numbers.min == pytest.approx(1 / 24)  # type: ignore[operator]


def test_decimals_durations_and_huge_integers_are_numbers() -> None:
    data = pl.DataFrame(
        {
            "money": pl.Series([Decimal("1.25"), Decimal("-0.75"), None], dtype=pl.Decimal(12, 2)),
            "span": pl.Series([timedelta(hours=1), timedelta(milliseconds=-1), None], dtype=pl.Duration("ms")),
            "large": pl.Series([2**64 - 1, 0, None], dtype=pl.UInt64),
            "whole": pl.Series([2**53 + 1, -(2**63), None], dtype=pl.Int64),
        }
    )
    columns = profile(data).columns
    found = {name: (c.kind, c.missing, c.numbers.min, c.numbers.max) for name, c in columns.items() if c.numbers}
    assert found == {
        "money": ("number", 1, -0.75, 1.25),
        "span": ("number", 1, -0.001, 3600.0),
        "large": ("number", 1, 0.0, 2.0**64),
        "whole": ("number", 1, -(2.0**63), 2.0**53),
    }
    assert all(c.numbers.count == 2 for c in columns.values() if c.numbers)


def test_of_nested_and_binary_columns_only_what_is_missing_is_counted() -> None:
    data = pl.DataFrame(
        {"list": [[1], None, []], "struct": [{"a": 1}, None, {"a": None}], "binary": [b"\0", None, b""]}
    )
    columns = profile(data).columns
    assert [(c.kind, c.rows, c.missing) for c in columns.values()] == [("other", 3, 1)] * 3


@pytest.mark.parametrize("rows", [[], [None], [math.nan], [math.inf], [0.5]])
def test_no_rows_none_with_a_value_and_one_row_are_profiles_too(same: Callable[..., bool], rows: list[Any]) -> None:
    data = pl.DataFrame({"x": rows}, schema={"x": pl.Float64})
    p = profile(data)
    c = p.columns["x"]
    assert (c.rows, c.missing, c.non_finite, c.count) == (
        len(rows),
        sum(v is None or math.isnan(v) for v in rows),
        rows.count(math.inf),
        rows.count(0.5),
    )
    assert same(p.merge(p), profile(pl.concat([data, data]), like=p))
    assert Profile.from_json(p.to_json()) == p


def test_text_lengths_are_the_same_by_name_and_by_value() -> None:
    values = [f"{'é' * (i % 150)}{i % 97}" for i in range(3000)]
    data = pl.DataFrame({"x": values})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counters, "MAX_NAMES_IN_MEMORY", 10_000)
        by_name = profile(data).columns["x"].categories
    by_value = profile(data, like=profile(data)).columns["x"].categories
    assert by_name is not None
    assert by_value is not None
    assert by_value.to_dict() == by_name.to_dict()
    assert by_name.lengths is not None
    assert by_name.lengths.mean == pytest.approx(sum(map(len, values)) / len(values), rel=1e-12)


def test_columns_of_one_file_are_read_one_by_one_and_of_a_query_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_VALUES_AT_ONCE", 0)
    read: list[list[str]] = []
    collect = frames.RowSlice.collect

    def spy(self: frames.RowSlice, query: pl.LazyFrame | None = None) -> pl.DataFrame:
        found = collect(self, query)
        read.append(found.columns)
        return found

    monkeypatch.setattr(frames.RowSlice, "collect", spy)
    data = pl.DataFrame({"x": [1.5, 2.5], "y": [1, 2], "z": [True, False]})
    data.write_parquet(tmp_path / "x.parquet")
    profile(tmp_path / "x.parquet")
    assert read == [["x"], ["y"], ["z"]]
    read.clear()
    profile(data.lazy().with_columns(w=pl.col("x") * 2))
    assert read[0] == ["x", "y", "z", "w"]
