"""Rows of a request are typed as a snapshot types them, or refused by column, rule and row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.serving.errors import RequestError, RequestProblem
from airflow_mlops.core.serving.request_validation import MAX_SCHEMAS, RequestContract

CONTRACT = {
    "name": "things",
    "key": "id",
    "rows": {"min": 50},
    "environments": {"serving": {"without": ["y"]}},
    "columns": {
        "id": {"type": "int"},
        "y": {"type": "int", "role": "label"},
        "n": {"type": "int", "nullable": False, "min": 0, "max": 9},
        "x": {"type": "float", "max_missing": 0.1, "max": 100},
        "kind": {"type": "category", "values": ["a", "b"], "nullable": False},
        "grade": {"type": "category", "values": [1, 2, 3]},
        "name": {"type": "str", "max_length": 20},
        "code": {"type": "str", "pattern": "[A-Z]{2}", "severity": "warn"},
        "sure": {"type": "bool"},
        "day": {"type": "date"},
    },
    "checks": [{"name": "x below n", "rule": "x <= n * 50"}],
}
GOOD = {
    "n": 3,
    "x": 1.5,
    "kind": "a",
    "grade": 2,
    "name": "Ann",
    "code": "AB",
    "sure": True,
    "day": "2026-04-06",
}
RULES = RequestContract(Contract.load(CONTRACT))


def columns(*rows: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: [row.get(name) for row in rows] for name in rows[0]}


def problems(*rows: dict[str, Any]) -> dict[tuple[str | None, str], RequestProblem]:
    with pytest.raises(RequestError) as told:
        RULES.validate(columns(*rows))
    assert told.value.status == 422
    json.dumps(told.value.to_dict(), allow_nan=False).encode()
    return {(one.column, one.rule): one for one in told.value.problems}


def test_a_good_row_is_typed() -> None:
    frame = RULES.to_model_input(RULES.validate(columns(GOOD)))
    assert list(frame.columns) == ["n", "x", "kind", "grade", "name", "code", "sure", "day"]
    assert [str(t) for t in frame.dtypes[:7]] == ["int64", "float64", "str", "int64", "str", "str", "bool"]


def test_a_rule_of_a_whole_data_set_is_not_broken_by_one_row() -> None:
    assert RULES.validate(columns({**GOOD, "x": None})).height == 1  # all of one is more than a tenth


def test_a_rule_that_only_warns_refuses_nobody() -> None:
    assert RULES.validate(columns({**GOOD, "code": "lower"})).height == 1


def test_the_key_may_come_and_is_no_feature() -> None:
    checked = RULES.validate(columns({"id": 7, **GOOD}))
    assert checked["id"].to_list() == [7]
    assert "id" not in RULES.to_model_input(checked).columns


@pytest.mark.parametrize(
    ("change", "column", "rule"),
    [
        ({"n": None}, "n", "missing"),
        ({"n": -1}, "n", "min"),
        ({"n": 10}, "n", "max"),
        ({"n": 1.5}, "n", "type"),
        ({"n": True}, "n", "type"),
        ({"n": "3"}, "n", "type"),
        ({"n": 10**400}, "n", "type"),
        ({"n": {"deep": [1]}}, "n", "type"),
        ({"x": 1e999}, "x", "finite"),
        ({"x": 10**400}, "x", "finite"),
        ({"x": "1.5"}, "x", "type"),
        ({"x": [1.5]}, "x", "type"),
        ({"kind": "z"}, "kind", "values"),
        ({"kind": 1}, "kind", "type"),
        ({"grade": 4}, "grade", "values"),
        ({"grade": "2"}, "grade", "type"),
        ({"name": "x" * 1_000_000}, "name", "max_length"),
        ({"name": 5}, "name", "type"),
        ({"name": "a\0b"}, "name", "text"),
        ({"name": "\ud800"}, "name", "text"),
        ({"code": "x" * 10_001}, "code", "max_length"),
        ({"sure": 1}, "sure", "type"),
        ({"day": "05/04/2026"}, "day", "type"),
        ({"day": "2026-02-30"}, "day", "type"),
        ({"n": 1, "x": 99.0}, "x, n", "x below n"),
    ],
)
def test_a_broken_rule_is_told_with_column_row_and_hint(change: dict[str, Any], column: str, rule: str) -> None:
    found = problems(GOOD, {**GOOD, **change})
    assert (column, rule) in found
    told = found[column, rule]
    assert (told.rows, told.count) == ((1,), 1)
    assert told.hint
    assert len(told.observed) <= 120


@pytest.mark.parametrize(
    ("change", "expected", "observed", "hint"),
    [
        ({"n": 10}, 9, "10", "send a value of at most 9"),
        ({"n": -1, "x": None}, 0, "-1", "send a value of at least 0"),
        ({"kind": "z"}, ["a", "b"], "'z'", "send one of the expected values"),
        (
            {"n": 1, "x": 99.0},
            "x <= n * 50",
            "{'x': 99.0, 'n': 1}",
            "send values that satisfy: x <= n * 50",
        ),
    ],
)
def test_what_was_expected_and_what_came_are_told(change: Any, expected: Any, observed: str, hint: str) -> None:
    (told,) = problems({**GOOD, **change}).values()
    assert (told.expected, told.observed, told.hint) == (expected, observed, hint)


def test_the_first_rows_that_break_a_rule_are_named_and_all_are_counted() -> None:
    gap = {**GOOD, "x": None}  # of which nobody knows whether it is below n
    (told,) = problems(gap, *[{**GOOD, "n": 1, "x": 99.0}] * 7, gap).values()
    assert (told.rows, told.count) == ((1, 2, 3, 4, 5), 7)


def rules_of(**columns: dict[str, Any]) -> RequestContract:
    return RequestContract(Contract.load({"name": "things", "columns": columns}))


def test_a_rule_of_the_only_column_holds_too() -> None:
    rules = rules_of(n={"type": "int", "max": 9})
    assert rules.validate({"n": [9]}).height == 1
    with pytest.raises(RequestError):
        rules.validate({"n": [10]})


def test_a_column_that_may_be_left_out_is_missing_in_each_row() -> None:
    rules = rules_of(n={"type": "int"}, x={"type": "float", "required": False})
    assert rules.validate({"n": [1, 2]})["x"].to_list() == [None, None]


def test_rules_are_kept_for_so_many_schemas_and_no_more() -> None:
    ids = {f"id_{number}": {"type": "int", "role": "key"} for number in range(7)}
    rules = rules_of(n={"type": "int", "max": 9}, **ids)
    for number in range(2**7):  # which of the key's columns come
        sent = {name: [1] for place, name in enumerate(ids) if number >> place & 1}
        assert rules.validate({"n": [1], **sent}).width == 1 + len(sent)
        assert len(rules._compiled) <= MAX_SCHEMAS
    with pytest.raises(RequestError):
        rules.validate({"n": [10]})


def test_a_missing_and_an_unknown_column_are_both_told() -> None:
    row = {name: value for name, value in GOOD.items() if name != "kind"} | {"knd": "a"}
    found = problems(row)
    told = found["kind", "required"]
    assert (told.hint, told.expected, told.rows, told.count) == ("send the column 'kind'", True, (), 0)
    assert "did you mean 'kind'" in found["knd", "unknown column"].hint


def test_many_problems_are_told_in_bounded_space() -> None:
    with pytest.raises(RequestError) as told:
        RULES.validate(columns({**GOOD, **{f"column {i}": 1 for i in range(500)}}))
    assert len(json.dumps(told.value.to_dict())) < 10_000
    assert told.value.to_dict()["omitted_problems"] == 480


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(st.fixed_dictionaries({name: JSON | st.just(value) for name, value in GOOD.items()}), min_size=1))
def test_values_of_any_kind_are_typed_or_refused(rows: list[dict[str, Any]]) -> None:
    found = answered(rows)
    if isinstance(found, RequestError):
        assert found.status == 422
        json.dumps(found.to_dict(), allow_nan=False).encode()
    else:
        assert len(found) == len(rows)


def answered(rows: list[dict[str, Any]]) -> pd.DataFrame | RequestError:
    try:
        return RULES.to_model_input(RULES.validate(columns(*rows)))
    except RequestError as refused:
        return refused


def test_rows_come_to_the_model_as_they_come_from_a_snapshot(tmp_path: Path) -> None:
    rows = pd.DataFrame([{**GOOD, "grade": None, "x": None}, {**GOOD, "name": None}])
    rows = rows.drop(columns="day")
    root = SnapshotRoot(tmp_path.as_uri())
    batch = root.open(root.write("things", [rows])).to_pandas()
    contract = {**CONTRACT, "columns": {k: v for k, v in CONTRACT["columns"].items() if k != "day"}}  # type: ignore[attr-defined]
    rules = RequestContract(Contract.load(contract))
    plain = json.loads(rows.to_json(orient="records"))
    served = rules.to_model_input(rules.validate(columns(*plain)))
    pd.testing.assert_frame_equal(served, batch[served.columns])


def test_a_contract_without_features_is_refused() -> None:
    with pytest.raises(BadInput, match="no features"):
        RequestContract(Contract.load({"name": "n", "columns": {"y": {"type": "int", "role": "label"}}}))
