"""A profile counted by a database is the profile of a file of the same rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.database import DatabaseTable, TableReader
from airflow_mlops.core.data.profiles import Profile, profile
from airflow_mlops.core.data.profiles import database as database_profiles
from airflow_mlops.core.data.profiles.categories import MAX_NAMES
from airflow_mlops.core.data.profiles.database import MAX_COLUMNS, database_profile
from airflow_mlops.core.data.profiles.grid import SAMPLE_ROWS
from airflow_mlops.core.data.profiles.model import ColumnProfile
from airflow_mlops.core.data.profiles.numbers import CELLS, NumberGrid, NumberHistogram

Stored = Callable[[pl.DataFrame], DatabaseTable]
some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=4)
NUMBERS = st.one_of(
    st.none(), st.floats(-1e6, 1e6), st.integers(-5, 5).map(float), st.sampled_from([math.nan, math.inf, -math.inf])
)
DATES = st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1))
TIMES = st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
ROWS = st.lists(
    st.tuples(NUMBERS, st.none() | st.integers(-3, 400), st.none() | TEXT, st.none() | st.booleans(), DATES, TIMES),
    max_size=40,
)
SCHEMA = {
    "number": pl.Float64,
    "whole": pl.Int64,
    "text": pl.String,
    "flag": pl.Boolean,
    "day": pl.Date,
    "moment": pl.Datetime("us"),
}


def frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def many(rows: int = 3000, seed: int = 1) -> pl.DataFrame:
    """All that a table may hold, with more than 500 names, some long, some written in two ways."""
    rng = np.random.default_rng(seed)
    numbers = np.where(rng.random(rows) < 0.05, math.nan, rng.lognormal(sigma=2, size=rows))
    numbers[:3] = math.inf, -math.inf, 1e12
    two_ways = ["\u00ef", "i\u0308"]  # one character, and two, that look and mean the same
    names = [f"na{two_ways[i % 2]}ve {i % 700} {'…ö' * (i % 90)}" for i in rng.integers(0, 2000, rows)]
    start = datetime(2024, 1, 1)
    data = pl.DataFrame(
        {
            "number": numbers,
            "whole": rng.poisson(300, rows),
            "code": rng.integers(0, 4, rows).astype(float),
            "text": names,
            "few": np.array(["a", "B", "ä", ""])[rng.integers(0, 4, rows)],
            "flag": rng.random(rows) < 0.3,
            "day": [start.date() - timedelta(days=int(i)) for i in rng.integers(0, 40_000, rows)],
            "moment": [start + timedelta(microseconds=int(i)) for i in rng.integers(-(10**15) * 4, 10**15, rows)],
            "all missing": pl.Series([None] * rows, dtype=pl.Float64),
            "constant": [7.25] * rows,
            'a "quoted": %name': rng.normal(size=rows),
        }
    )
    holes = [
        pl.when(pl.int_range(pl.len()) % k == 0).then(None).otherwise(pl.col(c)).alias(c)
        for k, c in enumerate(data.columns, 7)
    ]
    return data.with_columns(holes)


def same(a: Profile, b: Profile) -> bool:
    """Equal in everything that is counted; sums of floats to the last digits."""

    def walk(x: Any, y: Any) -> bool:
        if isinstance(x, float) and isinstance(y, float):
            return x == pytest.approx(y, rel=1e-9, abs=1e-6)
        if isinstance(x, dict) and isinstance(y, dict):
            return x.keys() == y.keys() and all(walk(x[k], y[k]) for k in x)
        if isinstance(x, list) and isinstance(y, list):
            return len(x) == len(y) and all(walk(i, j) for i, j in zip(x, y, strict=True))
        return bool(x == y)

    return walk(a.to_dict(), b.to_dict())


@some
@given(rows=ROWS)
def test_a_table_has_the_profile_of_a_file_of_its_rows(stored: Stored, rows: Any) -> None:
    data = frame(rows)
    assert same(database_profile(stored(data), cluster="whole"), profile(data, cluster="whole"))


@some
@given(reference=ROWS, rows=ROWS)
def test_over_the_cells_of_a_reference_too(stored: Stored, reference: Any, rows: Any) -> None:
    like, data = profile(frame(reference), cluster="text"), frame(rows)
    assert same(database_profile(stored(data), like=like), profile(data, like=like))


def test_all_kinds_of_columns_are_as_in_parquet(stored: Stored, tmp_path: Path) -> None:
    data = many()
    data.write_parquet(tmp_path / "rows.parquet")
    table = stored(data)
    chosen = profile(tmp_path / "rows.parquet", cluster="few")
    assert same(database_profile(table, cluster="few"), chosen)
    like = profile(many(seed=2), cluster="code")
    counted = database_profile(table, like=like)
    assert same(counted, profile(tmp_path / "rows.parquet", like=like))
    text = counted.columns["text"].categories
    assert text is not None
    assert text.overflow is not None
    assert text.distinct > 500
    assert counted.columns["number"].non_finite == 1  # the other is in a row whose number is taken away


def test_values_are_counted_as_the_requested_kind(stored: Stored) -> None:
    data = many()
    kinds = {
        "number": "category",
        "whole": "category",
        "code": "bool",
        "flag": "number",
        "day": "category",
        "moment": "category",
        "few": "other",
    }
    assert same(database_profile(stored(data), columns=kinds), profile(data, columns=kinds))


@pytest.mark.parametrize("overflowed", [False, True])
def test_names_of_any_length_and_form_hash_as_in_files(stored: Stored, overflowed: bool) -> None:
    rng = np.random.default_rng(5)
    letters = np.array(list("aZ09 ßé\u0301e中𝄞\n'\\%:"))
    sizes = [*range(100), 300, 2046, 2047, 2048, 2049, 5000]
    names = ["".join(rng.choice(letters, size)) for size in sizes for _ in range(1 + 2 * overflowed)]
    short = [f"{'x' * 40}…{'0' * 24}…{n}" for n in (81, 99999)]  # shortened already, by somebody else
    reference = pl.DataFrame({"x": [f"n{i}" for i in range(1000 * overflowed + 10)]})
    like, data = profile(reference), pl.DataFrame({"x": [*names, *names[::3], *short, None]})
    assert same(database_profile(stored(data), like=like), profile(data, like=like))


EXTREMES = [5e-324, -5e-324, 1e-310, 1e-160, 1e150, -1e160, 1e300, -1e300, 1.7e308, -1.7e308, 0.0, 1.0, math.nan]


@pytest.mark.parametrize("reference", [[0.0, 1.0, 2.0], [1e-300, 3e-300], [-1e300, 1e300], [1e9, 1e9 + 1e-3], [5.0]])
def test_extreme_numbers_overflow_as_in_files(stored: Stored, reference: list[float]) -> None:
    like, data = profile(pl.DataFrame({"x": reference})), pl.DataFrame({"x": EXTREMES})
    counted, expected = (p.columns["x"] for p in (database_profile(stored(data), like=like), profile(data, like=like)))
    assert counted.numbers is not None
    assert expected.numbers is not None
    assert (counted.missing, counted.non_finite) == (expected.missing, expected.non_finite)
    assert (counted.numbers.counts == expected.numbers.counts).all()
    for name in ("below", "above", "below_sum", "above_sum", "squares", "min", "max"):
        assert getattr(counted.numbers, name) == pytest.approx(getattr(expected.numbers, name), rel=1e-9), name


def test_numbers_too_small_for_their_cells_are_counted(stored: Stored) -> None:
    numbers = NumberHistogram(NumberGrid(0.0, 2.0), np.zeros(CELLS, dtype=np.int64))
    like = Profile(0, {"x": ColumnProfile("number", 0, numbers=numbers)})
    data = pl.DataFrame({"x": [5e-324, -5e-324, 0.0, 1.0]})
    assert same(database_profile(stored(data), like=like), profile(data, like=like))


@pytest.mark.parametrize("names", [MAX_NAMES, MAX_NAMES + 1, 2 * MAX_NAMES, 2 * MAX_NAMES + 1, 2 * MAX_NAMES + 2])
@pytest.mark.parametrize("known", [0, 10, 2 * MAX_NAMES])
def test_a_column_overflows_where_a_file_does(stored: Stored, names: int, known: int) -> None:
    data = pl.DataFrame({"x": [f"n{i}" for i in range(names)]})
    like = profile(data.head(0) if not known else pl.DataFrame({"x": [f"n{i}" for i in range(known)]}))
    table = stored(data)
    assert same(database_profile(table), profile(data))
    assert same(database_profile(table, like=like), profile(data, like=like))


def test_few_names_of_a_column_that_once_overflowed_are_counted_by_hash(stored: Stored) -> None:
    like = profile(pl.DataFrame({"x": [f"n{i}" for i in range(MAX_NAMES + 1)]}))
    data = pl.DataFrame({"x": ["n1", "n2", "n1", "new"]})
    counted = database_profile(stored(data), like=like)
    assert same(counted, profile(data, like=like))
    assert counted.columns["x"].categories is not None
    assert counted.columns["x"].categories.overflow is not None


@some
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_the_cells_chosen_are_those_that_a_file_gets(stored: Stored, values: list[float]) -> None:
    data = pl.DataFrame({"x": values})
    counted, expected = database_profile(stored(data)).columns["x"], profile(data).columns["x"]
    assert counted.numbers is not None
    assert expected.numbers is not None
    assert counted.numbers.grid == expected.numbers.grid


@pytest.mark.parametrize("fraction", [False, True])
def test_one_fraction_among_whole_numbers_is_seen(stored: Stored, fraction: bool) -> None:
    values = [float(i % 50) for i in range(1000)] + ([20.5] if fraction else [])
    data = pl.DataFrame({"x": values})
    assert same(database_profile(stored(data)), profile(data))


def test_text_is_read_as_a_date_where_it_is_one(stored: Stored) -> None:
    days = ["2024-02-29", "1969-12-31", "2023-02-29", "2024-13-01", "yesterday", "", None]
    data = pl.DataFrame({"x": [*days, "2024-01-05 12:30", "2024-01-05T12:30:15.123456"]})
    like = profile(pl.DataFrame({"x": [date(2024, 1, 1), date(2025, 1, 1)]}))
    assert same(database_profile(stored(data), like=like), profile(data, like=like))


def test_a_profile_of_a_table_merges_with_one_of_a_file(stored: Stored) -> None:
    one, other = many(seed=3), many(seed=4)
    like = profile(many(seed=5), cluster="whole")
    merged = database_profile(stored(one), like=like).merge(profile(other, like=like))
    assert same(merged, profile(pl.concat([one, other]), like=like))


def test_more_columns_than_a_query_takes_are_counted(stored: Stored) -> None:
    data = pl.DataFrame({f"c{i}": [i, i + 1, None] for i in range(2 * MAX_COLUMNS + 3)})
    assert same(database_profile(stored(data)), profile(data))


def test_a_table_without_rows_has_a_profile(stored: Stored) -> None:
    assert same(database_profile(stored(frame([]))), profile(frame([])))


def test_a_query_is_profiled_as_a_table_is(stored: Stored) -> None:
    data = many()
    table = stored(data)
    query = DatabaseTable(
        table.engine, f"SELECT whole, few AS \"a:b\" FROM {table.source} WHERE few <> '100%:x' -- all"
    )
    expected = data.filter(pl.col("few") != "100%:x").select("whole", pl.col("few").alias("a:b"))
    assert same(database_profile(query), profile(expected))


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_types_that_only_postgres_has_are_as_in_files(stored: Stored, engine: sa.Engine) -> None:
    zoned = pl.Datetime("us", "UTC")
    data = pl.DataFrame(
        {
            "decimal": [Decimal("1.50"), Decimal("-2.25"), None],
            "float": pl.Series([0.1, 1.5e-5, math.nan], dtype=pl.Float32),
            "zoned": pl.Series([datetime(2024, 3, 31, 1, 30, tzinfo=UTC), None, datetime(1960, 1, 1)], dtype=zoned),
            "span": [timedelta(seconds=1.5), timedelta(days=-2), None],
            "time": [time(12, 30, 15, 5), None, time(0)],
            "bytes": [b"a", None, b"c"],
            "big": pl.Series([2**62, -(2**62) + 1, None]),
        }
    )
    table = stored(data)
    assert same(database_profile(table), profile(data))
    names = {"decimal": "number", "float": "category", "zoned": "category", "bytes": "other", "big": "category"}
    assert same(database_profile(table, columns=names), profile(data, columns=names))
    assert table.schema["zoned"] == zoned


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_floats_are_named_as_in_files(stored: Stored) -> None:
    values = [0.1, 1e15 + 0.5, 1e16, 9007199254740993.0, 1.25e-5, 9.99e-6, 3e-300, -0.0, 1e22, 123456.789, -2.5e-7]
    data = pl.DataFrame({"x": [*values, math.inf, -math.inf, math.nan]})
    columns = {"x": "category"}
    assert same(database_profile(stored(data), columns=columns), profile(data, columns=columns))


def test_no_more_rows_come_over_than_there_are_cells_names_and_buckets(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, fetched = 100_000, []
    numbers = {
        "postgresql": f"SELECT i FROM generate_series(0, {rows - 1}) AS s(i)",
        "sqlite": "WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s"
        f" WHERE i < {rows - 1}) SELECT i FROM s",
    }[engine.dialect.name]
    query = f"SELECT i * 0.5 AS number, 'name ' || i AS name, i % 2 AS few FROM ({numbers}) AS n"
    original = TableReader.query

    def counting(self: TableReader, *args: Any) -> Any:
        rows_fetched = original(self, *args)
        fetched.append(len(rows_fetched))
        return rows_fetched

    monkeypatch.setattr(TableReader, "query", counting)
    sent: list[int] = []
    sa.event.listen(engine, "after_cursor_execute", lambda *args: sent.append(args[1].rowcount))
    i = pl.int_range(rows, eager=True)
    data = pl.DataFrame({"number": i * 0.5, "name": "name " + i.cast(pl.String), "few": i % 2})
    like = profile(data.head(50_000))
    counted = database_profile(DatabaseTable(engine, query), like=like, cluster="name")
    assert same(counted, profile(data, like=like, cluster="name"))
    by_hash = 2048 + 1024 + CELLS + 1
    assert sum(fetched) <= 2 * (CELLS + 4) + (2 * MAX_NAMES + 2) + 2 * by_hash + 10
    if engine.dialect.name == "postgresql":  # its driver knows how many rows came over
        assert sum(sent) <= sum(fetched) + 20


def test_many_rows_get_cells_from_a_sample_spread_over_them(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_profiles, "SAMPLE_ROWS", 100)
    data = pl.DataFrame({"x": np.linspace(-1, 1, 5000)})
    counted = database_profile(stored(data)).columns["x"].numbers
    assert counted is not None
    assert counted.grid.lo == pytest.approx(-1, abs=0.1)
    assert counted.grid.hi == pytest.approx(1, abs=0.1)
    assert counted.count == 5000
    assert SAMPLE_ROWS > 5000


def test_missing_columns_are_reported(stored: Stored) -> None:
    table = stored(frame([]))
    with pytest.raises(BadInput, match=r"there is no column \['nubmer'\]"):
        database_profile(table, columns=["nubmer"])
    with pytest.raises(BadInput, match="there is no cluster column 'customer'"):
        database_profile(table, cluster="customer")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_values_of_another_type_than_declared_are_reported(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE mixed (i INTEGER, b BOOLEAN, d DATE, t TEXT)"))
        connection.execute(sa.text("INSERT INTO mixed VALUES (1, 1, '2024-01-05', 'x'), ('many', 2, 'soon', x'00')"))
    for name in "ibdt":
        with pytest.raises(BadInput, match="1 values are not of the column's type") as caught:
            database_profile(DatabaseTable(engine, "mixed"), columns=[name])
        assert str(caught.value.where).startswith(f"column {name} of mixed")
