"""What a model gets in its own process is what it would have got in the task's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.models.isolated.arrow_codec import decode_frame, decode_scores, encode_frame, encode_scores

NAN = float("nan")


def there(frame: pd.DataFrame) -> pd.DataFrame:
    return decode_frame(encode_frame(frame))


def test_columns_of_all_types_arrive_as_they_were() -> None:
    moments = pd.to_datetime(["2026-01-01", None, "2026-01-02"])
    frame = pd.DataFrame(
        {
            "float": [1.5, np.nan, -np.inf],
            "narrow": np.array([1, 2, 3], dtype="float32"),
            "int": [1, 2, 2**62],
            "bool": [True, False, True],
            "text": pd.array(["x", None, "é"], dtype=pd.StringDtype(na_value=np.nan)),
            "text of Python": pd.array(["x", None, ""], dtype=pd.StringDtype("python", na_value=np.nan)),
            "text, NA": pd.array(["x", None, ""], dtype="string"),
            "Int64": pd.array([1, None, 2], dtype="Int64"),
            "boolean": pd.array([True, None, False], dtype="boolean"),
            "category": pd.Categorical(["u", None, "v"], categories=["v", "u"], ordered=True),
            "moment": moments,
            "moment, UTC": moments.tz_localize("UTC"),
            "span": moments - moments[0],
            7: [0.1, 0.2, 0.3],
        }
    )
    pd.testing.assert_frame_equal(there(frame), frame)
    assert there(frame.iloc[[2, 0]])["int"].tolist() == [2**62, 1]
    pd.testing.assert_frame_equal(there(frame[:0]), frame[:0], check_index_type=False)
    assert there(frame[[]]).shape == (3, 0)


def test_two_columns_of_one_name_stay_two() -> None:
    assert there(pd.DataFrame([[1, 2]], columns=["a", "a"])).to_numpy().tolist() == [[1, 2]]


@given(st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
def test_objects_arrive_as_they_were_and_missing_in_either_form(values: list[Any]) -> None:
    column = pd.Series(values, dtype=object)
    arrived = there(pd.DataFrame({"o": column}))["o"].tolist()
    assert [(type(v), repr(v)) for v in arrived] == [(type(v), repr(v)) for v in values]


def test_numbers_that_arrive_can_be_written_to() -> None:
    values = there(pd.DataFrame({"x": [1.0, 2.0]}))["x"].array
    values[0] = 5.0
    assert values[0] == 5.0


@pytest.mark.parametrize("value", [b"bytes", [1], {"a": 1}, object()])
def test_a_value_that_cannot_be_sent_is_told(value: Any) -> None:
    with pytest.raises(BadInput, match=r"cannot be sent.*|load_in_process"):
        encode_frame(pd.DataFrame({"o": pd.Series([value, "x"], dtype=object)}))


@pytest.mark.parametrize(
    "values",
    [
        np.array([0.1, NAN]),
        np.array([[0.1, 0.9]], dtype="float32"),
        np.array([1, 2]),
        np.array([True]),
        np.array(["a", "bb"], dtype=object),
        np.zeros((0, 3)),
        [1.0, 2.0],
    ],
)
def test_scores_come_back_as_they_were(values: Any) -> None:
    found = decode_scores(*encode_scores(values))
    np.testing.assert_array_equal(found, np.asarray(values))


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ({"type": "<f8", "shape": [3]}, b"\0" * 16),
        ({"type": "<f8", "shape": [-1]}, b""),
        ({"type": "|O", "shape": [1]}, b"\0" * 8),
        ({"type": "names", "shape": [2]}, b'["a"]'),
        ({"type": "names", "shape": [1]}, b"nonsense"),
        ({"type": "<f8", "shape": [1, 1, 1, 1]}, b"\0" * 8),
    ],
)
def test_what_is_no_scores_is_refused(head: dict[str, Any], body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it is in, it is one
        decode_scores(head, body)
