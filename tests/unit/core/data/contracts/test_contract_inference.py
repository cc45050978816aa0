"""Data satisfies the contract inferred from it, with the rules that a person would write first."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.contracts.contract_inference import infer_contract, to_yaml
from airflow_mlops.core.data.validation import validate

ROWS = 1000


def data() -> pl.DataFrame:
    rows = range(ROWS)
    return pl.DataFrame(
        {
            "customer_id": rows,
            "plan": [("no", "yes", "NA")[i % 3] for i in rows],
            "name": [f"name {i}" for i in rows],
            "price": [None if i % 50 == 0 else i / 10 for i in rows],
            "month": [i % 12 + 1 for i in rows],
            "count": [None if i % 7 == 0 else float(i) for i in rows],
            "day": [date(2024, 3, 1) + timedelta(days=i % 30) for i in rows],
            "text_day": [str(date(2024, 3, 1) + timedelta(days=i % 30)) for i in rows],
            "at": [datetime(2024, 3, 1, 5)] * ROWS,
            "ok": [i % 2 == 0 for i in rows],
            "churned": [i % 2 for i in rows],
            "tags": [[i] for i in rows],
            "gone": pl.Series([None] * ROWS, dtype=pl.String),
        }
    )


def test_ranges_and_values_are_the_observed_ones_with_a_margin() -> None:
    columns = {name: rule.to_dict() for name, rule in infer_contract(data(), "people").columns.items()}
    assert columns == {
        "customer_id": {"type": "int", "nullable": False},
        "plan": {"type": "category", "nullable": False, "values": ["NA", "no", "yes"]},
        "name": {"type": "str", "nullable": False},
        "price": {"type": "float", "max_missing": 0.03, "min": 0, "max": 110},
        "month": {"type": "int", "nullable": False, "min": 1, "max": 12},
        "count": {"type": "int", "max_missing": 0.22, "min": 0, "max": 1100},
        "day": {"type": "date", "nullable": False, "min": "2024-01-01"},
        "text_day": {"type": "date", "nullable": False},
        "at": {"type": "datetime", "nullable": False, "min": "2024-01-01T00:00:00"},
        "ok": {"type": "bool", "nullable": False},
        "churned": {"type": "int", "nullable": False, "values": [0, 1]},
        "gone": {"type": "str"},
    }


def test_the_key_is_named_like_one_and_has_no_value_twice() -> None:
    assert infer_contract(data(), "people").key == ("customer_id",)
    twice = data().with_columns(customer_id=pl.col("customer_id") // 2)
    assert infer_contract(twice, "people").key == ()
    assert infer_contract(data().rename({"customer_id": "price_paid"}), "people").key == ()


def test_the_yaml_reads_back_as_the_same_contract() -> None:
    contract = infer_contract(data(), "people")
    text = to_yaml(contract)
    assert Contract.load(yaml.safe_load(text)) == contract
    assert text.startswith("# yaml-language-server: $schema=")
    assert "'no', 'yes'" in text


@pytest.mark.parametrize("text", ["a\x85b", "a\u2028b", "\u2029"])
def test_an_unusual_line_break_survives_the_yaml(text: str) -> None:
    contract = infer_contract(pl.DataFrame({text: [text] * 20}), "breaks")
    assert Contract.load(yaml.safe_load(to_yaml(contract))) == contract


def test_the_data_keeps_its_own_contract() -> None:
    report = validate(data(), infer_contract(data(), "people"))
    assert [(c.name, c.where) for c in report.failed] == [("unknown column", "tags")]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats()),
            st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
            st.one_of(st.none(), st.text(max_size=5)),
            st.one_of(st.none(), st.dates(date(1, 1, 2))),
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 12),
    st.text(min_size=1, max_size=8).filter(lambda name: name not in ("i", "t", "d")),
)
def test_any_data_keeps_the_contract_that_was_inferred_from_it(rows: list[Any], times: int, name: str) -> None:
    schema = {name: pl.Float64, "i": pl.Int64, "t": pl.String, "d": pl.Date}
    frame = pl.DataFrame(rows * times, schema=schema, orient="row")
    contract = infer_contract(frame, "any")
    assert {(c.name, c.where) for c in validate(frame, contract).failed} <= {("finite", name)}
    assert Contract.load(yaml.safe_load(to_yaml(contract))) == contract


def test_nothing_is_inferred_from_nothing() -> None:
    with pytest.raises(BadInput, match="has no rows"):
        infer_contract(data().head(0), "people")
    with pytest.raises(BadInput, match="flatten nested"):
        infer_contract(data().select("tags"), "people")
