"""What occurs twice is found in tables of any length, sorted or not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.report import Check
from airflow_mlops.core.data import frames
from airflow_mlops.core.data.validation import duplicates, polars_engine, validate

VALUES = st.one_of(st.none(), st.integers(0, 6))


def judged(frame: pl.DataFrame, key: list[str], kind: str = "int") -> Check:
    columns = {name: {"type": kind, "nullable": True} for name in frame.columns}
    report = validate(frame, {"name": "k", "key": key, "columns": columns})
    (check,) = [c for c in report.checks if c.name == "key"]
    return check


@settings(deadline=None)
@given(
    st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=12),
    st.integers(1, 5),
    st.integers(1, 4),
    st.sampled_from([["a"], ["a", "b"]]),
    st.booleans(),
)
def test_repetitions_are_counted_as_plain_python_counts_them(
    rows: list[Any], slice_rows: int, pass_rows: int, key: list[str], in_order: bool
) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Int64}, orient="row")
    frame = frame.sort("a", "b") if in_order else frame
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "SLICE_ROWS", slice_rows)
        patch.setattr(duplicates, "ROWS_PER_PASS", pass_rows)
        check = judged(frame, key)
    seen = Counter(row for row in frame.select(key).rows() if None not in row)
    assert check.observed["count"] == sum(seen.values()) - len(seen)


def test_a_key_that_rises_through_all_slices_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SLICE_ROWS", 3)
    monkeypatch.setattr(polars_engine, "find_duplicates", lambda *_: pytest.fail("read again"))
    assert judged(pl.DataFrame({"a": range(10)}), ["a"]).status == "pass"


@pytest.mark.parametrize("values", [[0, 1, 2, 2, 3, 4], [0, 1, 2, 1, 2, 3], [3, 4, 5, 3, 4, 5], [None, 1, 2, 2]])
def test_a_key_that_rises_only_within_slices_is_looked_at(values: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SLICE_ROWS", 3)
    assert judged(pl.DataFrame({"a": values}), ["a"]).status == "fail"


def test_a_hash_that_two_values_share_is_no_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_hash", lambda names: pl.col(names[0]).hash() % 2)
    assert judged(pl.DataFrame({"a": [5, 3, 9, 1]}), ["a"]).status == "pass"
    assert judged(pl.DataFrame({"a": [5, 3, 9, 3]}), ["a"]).observed["count"] == 1


def test_swapped_values_are_another_key() -> None:
    frame = pl.DataFrame({"a": [1, 2, 1], "b": [2, 1, 1]})
    assert judged(frame, ["a", "b"]).status == "pass"


def test_the_worst_repetitions_are_shown_first() -> None:
    frame = pl.DataFrame({"a": ["x", "y", "x", "y", "x", "z"]})
    check = judged(frame, ["a"], "str")
    assert check.observed["examples"] == [{"a": "x", "rows": 3}, {"a": "y", "rows": 2}]


def test_codes_of_categories_are_compared_as_text() -> None:
    frame = pl.DataFrame({"a": pl.Series(["x", "y", "x"], dtype=pl.Categorical)})
    assert judged(frame, ["a"], "category").observed["count"] == 1
