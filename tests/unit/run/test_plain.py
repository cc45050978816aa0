"""Parameters come back from JSON as what they were, or an error names what cannot travel."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core.errors import BadInput
from airflow_mlops.run.plain import PAIRS, TUPLE, plain, restored

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.text() | st.sampled_from([TUPLE, PAIRS]) | st.integers() | st.booleans() | st.tuples(st.integers())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    """Tell whether two values are equal, types included: 1, 1.0 and True are not one."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        pairs = zip(left.items(), right.items(), strict=False)
        return len(left) == len(right) and all(same(a, c) and same(b, d) for (a, b), (c, d) in pairs)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=False))
    return bool(left == right)


@given(VALUES)
def test_what_goes_through_json_comes_back_as_it_was(value: Any) -> None:
    assert same(restored(json.loads(json.dumps(plain(value)))), value)


@given(st.dictionaries(st.text().filter(lambda name: name not in (TUPLE, PAIRS)), LEAVES))
def test_what_json_has_words_for_stays_as_a_person_would_write_it(value: dict[str, Any]) -> None:
    assert plain(value) == value


def test_numbers_of_numpy_and_infinite_ones_travel() -> None:
    assert same(restored(plain([np.float64(0.5), np.int64(3), np.bool_(True)])), [0.5, 3, True])
    assert restored(json.loads(json.dumps(plain(float("inf"))))) == float("inf")


@pytest.mark.parametrize("value", [date(2026, 4, 6), {1, 2}, b"bytes", object(), np.zeros(3)])
def test_what_cannot_travel_is_named(value: Any) -> None:
    with pytest.raises(BadInput, match=r"parameters\['model_params'\]\[0\] cannot go to another process"):
        plain({"model_params": [value]})
