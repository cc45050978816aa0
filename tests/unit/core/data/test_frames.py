"""Rows from several files form one table, or an error says why not."""

from __future__ import annotations

from datetime import date, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.frames import collect_frame, open_table


def write(folder: Path, *columns: pl.Series) -> list[str]:
    files = [str(folder / f"part-{i}.parquet") for i in range(len(columns))]
    for file, column in zip(files, columns, strict=True):
        pl.DataFrame({"x": column}).write_parquet(file)
    return files


def test_a_duplicate_column_name_is_reported_with_the_file(tmp_path: Path) -> None:
    file = str(tmp_path / "twice.parquet")
    pq.write_table(pa.table([pa.array([1]), pa.array([2]), pa.array([3])], names=["it's", "b", "it's"]), file)
    with pytest.raises(BadInput, match="column names occur twice") as caught:
        open_table(file)
    assert "it's" in caught.value.what
    assert caught.value.where == file
    assert "rename" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("left", "right", "types"),
    [
        (pl.Series([1, 2]), pl.Series(["1", "x"]), ("Int64", "String")),
        (pl.Series([1.5]), pl.Series(["1.5"]), ("Float64", "String")),
        (pl.Series([20_000]), pl.Series([date(2026, 1, 1)]), ("Int64", "Date")),
        (pl.Series([1]), pl.Series([True]), ("Int64", "Boolean")),
        (pl.Series([datetime(2026, 1, 1)]), pl.Series(["2026-01-01"]), ("Datetime", "String")),
        (pl.Series([datetime(2026, 1, 1)]), pl.Series([1]).cast(pl.Duration), ("Datetime", "Duration")),
        (pl.Series([b"a"]), pl.Series(["a"]), ("Binary", "String")),
        (pl.Series([[1]]), pl.Series([["a"]]), ("List(Int64)", "List(String)")),
    ],
)
def test_a_column_of_two_kinds_is_refused_with_both_files_and_types(
    tmp_path: Path, left: pl.Series, right: pl.Series, types: tuple[str, str]
) -> None:
    for pair, names in (((left, right), types), ((right, left), types[::-1])):
        none = pl.Series([None], dtype=pl.Null)
        files = write(tmp_path, none, pair[0], pair[0], pair[1])
        with pytest.raises(BadInput, match="disagree on types") as caught:
            open_table(files)
        assert "column 'x'" in caught.value.what
        assert caught.value.what.index(names[0]) < caught.value.what.rindex(names[1])
        assert caught.value.where == f"{files[1]} and {files[3]}"


def utc(timestamp: datetime, unit: Any, zone: str | None = None) -> pl.Series:
    return pl.Series([timestamp], dtype=pl.Datetime(unit)).dt.replace_time_zone(zone)


@pytest.mark.parametrize(
    "columns",
    [
        [pl.Series([1], dtype=pl.Int8), pl.Series([2**40]), pl.Series([0.5])],
        [pl.Series([None], dtype=pl.Null), pl.Series(["a"]), pl.Series(["b"], dtype=pl.Categorical())],
        [
            pl.Series(["a"], dtype=pl.Enum(["a"])),
            pl.Series(["b"], dtype=pl.Enum(["b"])),
            pl.Series([None], dtype=pl.Null),
        ],
        [pl.Series([2**63 - 1]), pl.Series([2**64 - 1], dtype=pl.UInt64), pl.Series([1], dtype=pl.Int8)],
        [
            utc(datetime(2026, 1, 1, 1, 1, 1, 250_001), "us"),
            utc(datetime(1066, 1, 1), "ms"),
            pl.Series([date(1, 1, 1)]),
        ],
        [pl.Series([True]), pl.Series([None], dtype=pl.Null), pl.Series([False])],
    ],
)
def test_types_that_mean_the_same_widen_and_no_value_changes(tmp_path: Path, columns: list[pl.Series]) -> None:
    for order in permutations(columns):
        values = collect_frame(open_table(write(tmp_path, *order)).lazy(), "all")["x"].to_list()
        for value, column in zip(values, order, strict=True):
            expected = column.item()
            if type(expected) is date:
                expected = datetime(expected.year, expected.month, expected.day)
            assert value == expected


def test_timestamps_with_a_zone_and_without_are_not_mixed(tmp_path: Path) -> None:
    timestamp = datetime(2026, 1, 1)
    with pytest.raises(BadInput, match="disagree on types"):
        open_table(write(tmp_path, utc(timestamp, "us"), utc(timestamp, "us", "UTC")))
    with pytest.raises(BadInput, match="disagree on types"):
        open_table(write(tmp_path, utc(timestamp, "us", "Europe/Paris"), utc(timestamp, "us", "UTC")))
