"""Columns of very many names have the base and the counts that a search among all names would give."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.data.profiles import counters, profile, text
from airflow_mlops.core.data.profiles.categories import MAX_NAMES, CategoryCounts, CategoryOverflow
from airflow_mlops.core.data.profiles.hash_counter import most_frequent_hashes
from airflow_mlops.core.data.profiles.names import clean_name, hash_names

FORMS = ["user-{}", "e\N{COMBINING ACUTE ACCENT}{}", "an identifier of thirty bytes {}", "x" * 90 + "{}"]


def by_name(values: list[str | None]) -> dict[str, object]:
    """What the definition says, one name after the other."""
    found = Counter(clean_name(value) for value in values if value is not None)
    base = tuple(sorted(found, key=lambda name: (-found[name], name))[:MAX_NAMES])
    return CategoryCounts.from_counts(
        base, found, CategoryOverflow.from_names(list(found), list(found.values()))
    ).to_dict()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few names are too many."""
    monkeypatch.setattr(counters, "MAX_NAMES_IN_MEMORY", 600)
    monkeypatch.setattr(counters, "PROBE_ROWS", 400)
    monkeypatch.setattr(counters, "MAX_PROBE_NAMES", 150)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "form", ["user-{}", "e\N{COMBINING ACUTE ACCENT}{}", "an identifier of thirty bytes {}", "x" * 90 + "{}"]
)
@pytest.mark.parametrize("same_hash", [0, 1, 9])
@pytest.mark.parametrize("spread", ["heavy", "even", "once"])
def test_the_base_is_that_of_a_search_among_all_names(
    monkeypatch: pytest.MonkeyPatch, form: str, same_hash: int, spread: str
) -> None:
    rng = np.random.default_rng(same_hash)
    codes = {"heavy": rng.zipf(1.1, 6000) % 3000, "even": rng.integers(0, 2000, 6000), "once": np.arange(3000)}[spread]
    values: list[str | None] = [form.format(code) for code in codes.tolist()]
    values[::7] = [None] * len(values[::7])
    if same_hash:  # the counts of names with the same hash must not count for one name
        real, width = text.NameBlock.hashes, np.uint32(2**20 * same_hash)
        monkeypatch.setattr(text.NameBlock, "hashes", lambda block: real(block) // width)
        monkeypatch.setattr(counters, "hash_names", lambda names: hash_names(names) // width)
    found = profile(pl.DataFrame({"x": values})).columns["x"]
    expected = by_name(values)
    assert found.missing == sum(value is None for value in values)
    assert found.categories is not None
    got = found.categories.to_dict()
    assert (got["base"], got["counts"]) == (expected["base"], expected["counts"])
    if not same_hash:
        assert got == expected


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=80), st.integers(1, 5), st.integers(0, 8))
def test_the_most_frequent_hashes_are_the_most_frequent_ones(values: list[int], names: int, least: int) -> None:
    result = most_frequent_hashes(np.array(values, dtype=np.uint32), names, least)
    counts = Counter(values)
    if len(counts) <= max(least, names):
        assert result is None
        return
    assert result is not None
    border = sorted(counts.values())[-names]
    assert (result[1], result[0].tolist()) == (border, sorted(v for v, c in counts.items() if c >= border))


def test_hashes_that_all_occur_equally_often_say_nothing() -> None:
    assert most_frequent_hashes(hash_names([f"{i}" for i in range(20_000)]), 200, 100) is None
