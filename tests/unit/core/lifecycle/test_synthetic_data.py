"""Synthetic rows satisfy their contract, and a model can learn from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.validation import validate
from airflow_mlops.core.lifecycle.synthetic_data import generate_rows

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
    "environments": {"labelled": {"without": ["partition"]}},
}


def test_the_rows_satisfy_the_contract() -> None:
    report = validate(generate_rows(CONTRACT, WEEK), CONTRACT, environment="labelled")
    assert report.verdict == "pass", report.summary()


def test_a_partition_is_reproducible_and_differs_from_others() -> None:
    first, again, other = (generate_rows(CONTRACT, week) for week in (WEEK, WEEK, "2026-01-12"))
    pd.testing.assert_frame_equal(first, again)
    assert not first["amount"].equals(other["amount"])
    assert first["id"].equals(other["id"]), "keys are stable"


def test_the_label_depends_on_the_features() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    train, test = generate_rows(CONTRACT, WEEK), generate_rows(CONTRACT, "2026-01-12")
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
def test_any_type_of_label_is_generated(label: dict[str, Any], kind: str) -> None:
    contract = {**CONTRACT, "columns": {**COLUMNS, "y": {**label, "role": "label"}}}
    frame = generate_rows(contract, WEEK)
    assert frame["y"].dtype.kind in (kind, "U", "O")
    assert frame["y"].nunique() > 1
    assert validate(frame, contract, environment="labelled").verdict == "pass"


def test_text_with_a_pattern_is_rejected() -> None:
    contract = {**CONTRACT, "columns": {**COLUMNS, "note": {"type": "str", "pattern": "[A-Z]{3}"}}}
    with pytest.raises(BadInput, match="cannot generate text"):
        generate_rows(contract, WEEK)


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
    values = generate_rows(contract, WEEK, rows=rows)["x"]
    assert len(values) == rows
    assert np.isfinite(values).all()
    assert low is None or (values >= low).all()
    assert rule["max"] is None or (values <= rule["max"]).all()
