"""Names in columns are cleaned, measured and hashed as one name is."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_mlops.core.data.profiles import text
from airflow_mlops.core.data.profiles.categories import LENGTH_GRID
from airflow_mlops.core.data.profiles.names import clean_name, hash_names, original_length
from airflow_mlops.core.data.profiles.numbers import CELLS, NumberHistogram

LOOKS_SHORTENED = "é" * 40 + "…" + "0" * 24 + "…99"
NAMES = st.one_of(
    st.text(max_size=5),
    st.text("e\N{COMBINING ACUTE ACCENT}é", max_size=6),
    st.text("ab", min_size=60, max_size=100),
    st.text(min_size=60, max_size=100),
    st.just(LOOKS_SHORTENED),
)


@settings(deadline=None)
@given(st.lists(NAMES, max_size=30), st.integers(1, 7))
def test_a_column_gives_what_its_names_give_one_by_one(names: list[str], size: int) -> None:
    clean = [clean_name(name) for name in names]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "BLOCK", size)
        blocks = list(text.iter_blocks(pl.Series(names, dtype=pl.String)))
    assert [name for block in blocks for name in block.names] == clean
    assert [h for block in blocks for h in block.hashes().tolist()] == hash_names(clean).tolist()
    assert [c for block in blocks for c in block.lengths().tolist()] == [original_length(name) for name in clean]


@settings(deadline=None)
@given(st.lists(st.none() | NAMES, max_size=10))
def test_cleaning_keeps_nulls_and_leaves_the_column_that_it_was_given(names: list[str | None]) -> None:
    column = pl.Series(names, dtype=pl.String)
    assert text.clean_names(column).to_list() == [None if name is None else clean_name(name) for name in names]
    assert column.to_list() == names


@settings(deadline=None)
@example([0, 2047, 2048, 2049, 2049])
@example([7, 7])
@example([3000, 3000])
@given(st.lists(st.integers(0, 5000), max_size=30))
def test_lengths_are_counted_in_cells_of_their_own(found: list[int]) -> None:
    every = np.array(found, dtype=np.int64)
    numbers = text.count_lengths(every)
    assert {i: int(c) for i, c in enumerate(numbers.counts) if c} == _counts(every[every < CELLS])
    assert (numbers.count, numbers.below, numbers.above) == (len(every), 0, int((every >= CELLS).sum()))
    assert numbers.mean == pytest.approx(every.mean() if len(every) else np.nan, nan_ok=True)
    assert (numbers.min, numbers.max) == ((every.min(), every.max()) if len(every) else (None, None))
    assert numbers.to_dict() == NumberHistogram.from_values(LENGTH_GRID, found, [1] * len(found)).to_dict()


def _counts(values: Any) -> dict[int, int]:
    return dict(zip(*(a.tolist() for a in np.unique(values, return_counts=True)), strict=True))
