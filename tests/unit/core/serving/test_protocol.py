"""Each form of MLflow's scoring protocol gives the same columns, and what is none of them is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core.serving.errors import RequestError
from airflow_mlops.core.serving.protocol import parse_request

FEATURES = ["a", "b"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
ROWS = st.lists(st.tuples(SCALARS, SCALARS), min_size=1, max_size=6)


def asked(body: Any) -> dict[str, list[Any]]:
    return parse_request(json.dumps(body).encode(), FEATURES, max_rows=10)


def refused(body: bytes) -> RequestError:
    with pytest.raises(RequestError) as told:
        parse_request(body, FEATURES, max_rows=10)
    assert told.value.hint
    return told.value


@given(ROWS)
def test_all_forms_of_the_same_rows_give_the_same_columns(rows: list[tuple[Any, Any]]) -> None:
    expected = {"a": [a for a, _ in rows], "b": [b for _, b in rows]}
    records = [{"a": a, "b": b} for a, b in rows]
    lists = [list(row) for row in rows]
    for body in (
        {"dataframe_records": records},
        {"dataframe_split": {"columns": FEATURES, "data": lists}},
        {"dataframe_split": {"columns": FEATURES, "data": lists, "index": list(range(len(rows)))}},
        {"instances": records},
        {"instances": lists},
        {"inputs": records},
        {"inputs": expected},
        {"inputs": expected, "params": {}},
    ):
        found = asked(body)
        assert found == expected
        assert [type(v) for v in found["a"]] == [type(v) for v in expected["a"]]  # 1 is not True


def test_a_column_that_only_some_records_have_is_missing_in_the_others() -> None:
    assert asked({"dataframe_records": [{"a": 1}, {"b": 2}]}) == {"a": [1, None], "b": [None, 2]}


def test_as_many_rows_as_may_come_are_read() -> None:
    assert len(asked({"instances": [[1, 2]] * 10})["a"]) == 10


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_bytes_of_any_kind_are_read_or_refused(body: bytes) -> None:
    status = 200
    try:
        parse_request(body, FEATURES, max_rows=10)
    except RequestError as error:
        status = error.status
    assert status in (200, 400, 413)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "no body"),
        (b'{"inputs": ', 400, "not JSON: Expecting value at line 1"),
        (b"\xff\xfe{}", 400, "byte 0 is not UTF-8"),
        (b"[1, 2]", 400, "the body is a list"),
        (b"{}", 400, "no rows"),
        (b'{"rows": []}', 400, "'rows' is not supported"),
        (b'{"dataframe_record": []}', 400, "did you mean 'dataframe_records'"),
        (b'{"inputs": {}, "instances": []}', 400, "inputs and instances"),
        (b'{"inputs": {"b": [3], "a": [1], "a": [2]}}', 400, "'a' is duplicated"),
        (b'{"inputs": {"a": [NaN], "b": [1]}}', 400, "NaN is not valid JSON"),
        (b'{"inputs": {"a": [-Infinity], "b": [1]}}', 400, "-Infinity is not valid JSON"),
        (b"[" * 100_000, 400, "nested too deeply"),
        (b'{"inputs": {"a": [' + b"9" * 5000 + b"]}}", 400, "cannot be read"),
        (b'{"inputs": {"a": [1, 2], "b": [1]}}', 400, "differ in length"),
        (b'{"inputs": {"a": 1, "b": 2}}', 400, "is a number, not a list"),
        (b'{"inputs": 5}', 400, "inputs is a number"),
        (b'{"instances": [5]}', 400, "instances[0] is a number"),
        (b'{"instances": [[1, 2], [1]]}', 400, "instances[1] has 1 values for 2 columns"),
        (b'{"instances": [[1, 2], 5]}', 400, "instances[1] is a number"),
        (b'{"dataframe_split": {"columns": ["a"], "data": ["x"]}}', 400, "dataframe_split.data[0] is text"),
        (b'{"instances": []}', 400, "no rows"),
        (b'{"dataframe_records": [{}]}', 400, "rows without columns"),
        (b'{"dataframe_records": [{"a": 1}, null]}', 400, "dataframe_records[1] is null"),
        (b'{"dataframe_records": {"a": 1}}', 400, "is an object, not a list"),
        (b'{"dataframe_split": []}', 400, "not an object"),
        (b'{"dataframe_split": {"columns": ["b", "a", "a"], "data": []}}', 400, "'a' is duplicated"),
        (b'{"dataframe_split": {"columns": [1], "data": []}}', 400, "not a list of names"),
        (b'{"dataframe_split": {"columns": ["a"]}}', 400, "dataframe_split.data is null or missing"),
        (b'{"dataframe_split": {"columns": ["a"], "data": [[1]], "dtype": "int"}}', 400, "the key 'dtype'"),
        (b'{"inputs": {"a": [1], "b": [1]}, "params": {"k": 1}}', 400, "does not support params"),
        (json.dumps({"instances": [[1, 2]] * 11}).encode(), 413, "at most 10"),
    ],
)
def test_what_cannot_be_read_is_told(body: bytes, status: int, says: str) -> None:
    error = refused(body)
    assert error.status == status
    assert says in error.what
