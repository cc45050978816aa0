"""Step parameters survive JSON unchanged, or an error names the unsupported value."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.steps.json_codec import PAIRS_KEY, TUPLE_KEY, decode_value, encode_value

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.text() | st.sampled_from([TUPLE_KEY, PAIRS_KEY]) | st.integers() | st.booleans() | st.tuples(st.integers())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    """Check whether two values are equal, types included: 1, 1.0 and True differ."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        pairs = zip(left.items(), right.items(), strict=False)
        return len(left) == len(right) and all(same(a, c) and same(b, d) for (a, b), (c, d) in pairs)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=False))
    return bool(left == right)


@given(VALUES)
def test_values_survive_a_round_trip(value: Any) -> None:
    assert same(decode_value(json.loads(json.dumps(encode_value(value)))), value)


@given(st.dictionaries(st.text().filter(lambda name: name not in (TUPLE_KEY, PAIRS_KEY)), LEAVES))
def test_json_values_are_encoded_as_themselves(value: dict[str, Any]) -> None:
    assert encode_value(value) == value


def test_numpy_and_infinite_numbers_are_encoded() -> None:
    assert same(decode_value(encode_value([np.float64(0.5), np.int64(3), np.bool_(True)])), [0.5, 3, True])
    assert decode_value(json.loads(json.dumps(encode_value(float("inf"))))) == float("inf")


@pytest.mark.parametrize("value", [date(2026, 4, 6), {1, 2}, b"bytes", object(), np.zeros(3)])
def test_an_unsupported_value_is_named(value: Any) -> None:
    with pytest.raises(BadInput, match=r"parameters\['model_params'\]\[0\] cannot be sent to another process"):
        encode_value({"model_params": [value]})
