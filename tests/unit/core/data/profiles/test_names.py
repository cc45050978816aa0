"""Names are counted in one form, and their hash is the same everywhere and always."""

from __future__ import annotations

import hashlib
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.data.profiles.names import (
    FACTORS,
    MAX_NAME_LENGTH,
    PRIME,
    _fifth_power,
    clean_name,
    hash_names,
    original_length,
)

NAMES = st.one_of(st.text(max_size=20), st.text(min_size=50, max_size=100), st.text("ab\0é€😀", max_size=90))


def defined(name: str) -> int:
    """The hash as its definition says, one step after the other with unbounded integers."""
    data = name.encode()
    if len(data) > 64:
        data = hashlib.sha256(data).hexdigest().encode()
    words = [int.from_bytes(data.ljust(64, b"\0")[i : i + 4], "big") for i in range(0, 64, 4)]
    return pow(sum(f * w for f, w in zip(FACTORS, [len(data), *words], strict=True)), 5, PRIME)


def test_the_factors_are_drawn_from_a_text_and_not_chosen() -> None:
    drawn = [int(hashlib.sha256(f"airflow-mlops {i}".encode()).hexdigest()[:16], 16) for i in range(17)]
    assert [d % (PRIME - 1) + 1 for d in drawn] == list(FACTORS)


@settings(deadline=None)
@given(st.lists(NAMES, max_size=20))
def test_many_names_are_hashed_as_the_definition_says(names: list[str]) -> None:
    assert hash_names(names).tolist() == [defined(name) for name in names]


def test_remainders_without_a_division_are_remainders() -> None:
    near = [k * PRIME + off for k in (0, 1, 2) for off in (0, 1, 2, 3, 4, 2**15, 2**16, PRIME - 2, PRIME - 1)]
    values = [*near, 3 * 2**31 - 1, *np.random.default_rng(0).integers(0, 3 * 2**31, 20_000).tolist()]
    total = np.array(values, dtype=np.uint64)
    found = _fifth_power(total, np.empty_like(total), np.empty_like(total))
    assert found.tolist() == [pow(value, 5, PRIME) for value in values]


def test_hashes_do_not_depend_on_what_stands_beside_a_name() -> None:
    names = [f"{i:0{1 + i % 70}}" for i in range(40_000)]  # more than one block
    assert hash_names(names).tolist() == [int(hash_names([name])[0]) for name in names]


def test_names_of_one_length_are_hashed_as_the_definition_says() -> None:
    for size in (1, 7, 8, 9, 36, 63, 64, 65, 72):
        names = [f"{i:0{size}}" for i in range(9)]
        assert hash_names(names).tolist() == [defined(name) for name in names]


def test_names_beyond_64_bytes_of_any_lengths_are_hashed_as_the_definition_says() -> None:
    names = ["é" * (33 + i % 40) + str(i) for i in range(200)]
    assert hash_names(names).tolist() == [defined(name) for name in names]


def test_hashes_are_part_of_the_format_and_never_change() -> None:
    names = ["", "a", "é", "a" * 50, "a" * 64, "a" * 65]
    expected = [0, 439014518, 1313319671, 165598496, 1404726061, 378442428]
    assert hash_names(names).tolist() == expected
    assert len(set(hash_names(["a", "aa", "aaa", "\0", "\0\0", ""]).tolist())) == 6


@settings(deadline=None)
@given(NAMES)
def test_a_clean_name_is_short_normal_and_stays_as_it_is(name: str) -> None:
    clean = clean_name(name)
    assert len(clean) <= MAX_NAME_LENGTH
    assert unicodedata.is_normalized("NFC", clean)
    assert clean_name(clean) == clean


@settings(deadline=None)
@given(NAMES)
def test_composed_and_decomposed_names_are_one_and_tell_the_same_length(name: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    assert clean_name(composed) == clean_name(decomposed)
    assert original_length(clean_name(decomposed)) == len(composed)


def test_long_names_stay_themselves() -> None:
    beginning = "x" * 79
    names = [beginning + "y", beginning + "yz", beginning + "yy", "x" * 81, "x" * 1_000_000]
    assert len({clean_name(name) for name in names}) == 5
    assert clean_name(names[0]) == names[0]
    assert [original_length(clean_name(name)) for name in names] == [80, 81, 81, 81, 1_000_000]


@pytest.mark.parametrize("names", [[f"customer {i}" for i in range(50_000)], [str(i) for i in range(50_000)]])
def test_names_in_a_row_spread_evenly_over_buckets_and_counters(names: list[str]) -> None:
    hashes = hash_names(names)
    for bits in (hashes & 255, hashes >> 21, hashes & 2047):
        counts = [0] * (int(bits.max()) + 1)
        for bit in bits.tolist():
            counts[bit] += 1
        expected = len(names) / len(counts)
        chi_squared = sum((count - expected) ** 2 / expected for count in counts)
        assert chi_squared == pytest.approx(len(counts), rel=6 * (2 / len(counts)) ** 0.5)
