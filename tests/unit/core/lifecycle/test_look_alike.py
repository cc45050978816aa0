"""A look-alike keeps the contract that it is made from, and a model can learn from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlops.core.data import Contract, validate
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.lifecycle.look_alike import look_alike

WEEK = "2026-01-05"
COLUMNS: dict[str, Any] = {
    "id": {"type": "int", "nullable": False},
    "partition": {"type": "str", "nullable": False},
    "amount": {"type": "float", "min": 0, "max": 10, "max_missing": 0.1},
    "visits": {"type": "int", "min": 3, "max": 9},
    "kind": {"type": "category", "values": ["a", "b"], "max_missing": 0.2},
    "since": {"type": "date"},
    "member": {"type": "bool"},
    "note": {"type": "str"},
    "y": {"type": "int", "values": [0, 1], "role": "label"},
}
CONTRACT: dict[str, Any] = {
    "name": "m",
    "key": ["id", "partition"],
    "columns": COLUMNS,
    "unknown_columns": "error",
    "environments": {"kept": {"without": ["partition"]}},
}


def test_it_keeps_its_contract() -> None:
    report = validate(look_alike(CONTRACT, WEEK), CONTRACT, environment="kept")
    assert report.verdict == "pass", report.summary()


def test_the_same_partition_is_the_same_and_another_is_not() -> None:
    one, again, other = (look_alike(CONTRACT, week) for week in (WEEK, WEEK, "2026-01-12"))
    pd.testing.assert_frame_equal(one, again)
    assert not one["amount"].equals(other["amount"])
    assert one["id"].equals(other["id"]), "who is in a test part stays there"


def test_the_label_goes_with_the_features() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    train, test = look_alike(CONTRACT, WEEK), look_alike(CONTRACT, "2026-01-12")
    inputs = ["amount", "visits", "member"]
    model = LogisticRegression().fit(train[inputs].fillna(0), train["y"])
    assert roc_auc_score(test["y"], model.predict_proba(test[inputs].fillna(0))[:, 1]) > 0.65
    assert 0.25 < train["y"].mean() < 0.35


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ({"type": "float", "min": 0, "max": 5}, "f"),
        ({"type": "category", "values": ["x", "y", "z"]}, "O"),
        ({"type": "bool"}, "b"),
    ],
)
def test_any_kind_of_label_can_be_made(label: dict[str, Any], kind: str) -> None:
    contract = {**CONTRACT, "columns": {**COLUMNS, "y": {**label, "role": "label"}}}
    made = look_alike(contract, WEEK)
    assert made["y"].dtype.kind in (kind, "U", "O")
    assert made["y"].nunique() > 1
    assert validate(made, contract, environment="kept").verdict == "pass"


def test_text_that_has_to_match_a_pattern_is_refused_in_words() -> None:
    contract = {**CONTRACT, "columns": {**COLUMNS, "note": {"type": "str", "pattern": "[A-Z]{3}"}}}
    with pytest.raises(BadInput, match="cannot be made up"):
        look_alike(contract, WEEK)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(
    low=st.one_of(st.none(), st.integers(-1000, 1000)),
    width=st.one_of(st.none(), st.integers(1, 10_000)),
    type_=st.sampled_from(["int", "float"]),
    rows=st.integers(1, 50),
)
def test_numbers_are_within_their_bounds(low: int | None, width: int | None, type_: str, rows: int) -> None:
    rule: dict[str, Any] = {"type": type_, "min": low, "max": None if width is None else (low or 0) + width}
    contract = Contract.load({"name": "m", "key": "id", "columns": {"id": {"type": "int"}, "x": rule}})
    values = look_alike(contract, WEEK, rows=rows)["x"]
    assert len(values) == rows
    assert np.isfinite(values).all()
    assert low is None or (values >= low).all()
    assert rule["max"] is None or (values <= rule["max"]).all()
