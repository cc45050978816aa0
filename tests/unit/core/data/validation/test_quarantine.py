"""Bad rows are set apart with their reasons; nothing is lost; too many are a failure of the whole."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.data import frames
from airflow_mlops.core.data.validation import duplicates, polars_engine, validate
from airflow_mlops.core.data.validation.quarantine import VIOLATED_RULES_COLUMN, quarantine

CONTRACT: dict[str, Any] = {
    "name": "orders",
    "key": ["shop", "order"],
    "columns": {
        "shop": {"type": "str"},
        "order": {"type": "int"},
        "price": {"type": "float", "min": 0, "max_missing": 0.5},
        "note": {"type": "str", "max_length": 3, "severity": "warn"},
    },
    "checks": [{"name": "first; is cheap", "rule": "order != 1 or price < 50"}],
    "quarantine": {"max_fraction": 0.5},
}
SCHEMA = {"shop": pl.String, "order": pl.Int64, "price": pl.Float64, "note": pl.String}


def orders(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def parted(frame: pl.DataFrame, contract: Any = CONTRACT) -> tuple[pl.DataFrame, pl.DataFrame]:
    pairs = list(quarantine(frame, contract).split())
    return pl.concat([good for good, _ in pairs]), pl.concat([bad for _, bad in pairs])


def test_a_bad_row_carries_the_names_of_the_rules_that_it_breaks() -> None:
    frame = orders(("a", 1, 60.0, "x"), ("a", 2, -1.0, "x"), ("b", None, -5.0, "x"), ("b", 3, 1.0, "x"))
    good, bad = parted(frame)
    assert good.rows() == [("b", 3, 1.0, "x")]
    assert bad[VIOLATED_RULES_COLUMN].to_list() == ["first, is cheap", "price: min", "order: missing;price: min"]


def test_all_rows_of_a_repeated_key_are_bad_for_which_is_right_is_not_known() -> None:
    frame = orders(("a", 1, 1.0, ""), ("a", 2, 1.0, ""), ("a", 1, 2.0, ""), ("b", 1, 1.0, ""))
    good, bad = parted(frame)
    assert good.select("shop", "order").rows() == [("a", 2), ("b", 1)]
    assert bad["price"].to_list() == [1.0, 2.0]
    assert set(bad[VIOLATED_RULES_COLUMN]) == {"shop, order: key"}


def test_warnings_and_rules_that_some_rows_may_break_make_no_row_bad() -> None:
    frame = orders(("a", 1, None, "far too long"), ("a", 2, 1.0, "x"))
    good, bad = parted(frame)
    assert (good.height, bad.height) == (2, 0)


def test_few_bad_rows_are_a_warning_that_says_so() -> None:
    rows = [("a", i, 1.0, "x") for i in range(9)]
    found = quarantine(orders(*rows, ("a", 9, -1.0, "x")), CONTRACT)
    assert (found.bad_rows, found.rows, found.report.verdict) == (1, 10, "warn")
    (check,) = [c for c in found.report.checks if c.name == "min"]
    assert (check.status, check.severity, check.message.endswith("; quarantined")) == ("fail", "warn", True)
    assert found.report.facts["bad_rows"] == 1


def test_too_many_bad_rows_fail_as_a_whole() -> None:
    found = quarantine(orders(("a", 1, -1.0, "x"), ("a", 2, -1.0, "x"), ("a", 3, 1.0, "x")), CONTRACT)
    assert found.report.verdict == "fail"
    assert {c.name for c in found.report.failed} == {"min", "quarantine"}
    assert "at most 50.00% may be quarantined" in found.report.summary()


def test_violations_that_the_split_does_not_remove_still_fail() -> None:
    found = quarantine(orders(("a", 1, 1.0, "x")).drop("price"), CONTRACT)
    assert (found.report.verdict, found.bad_rows) == ("fail", 0)


def test_good_data_is_all_good() -> None:
    frame = orders(("a", 1, 1.0, "x"), ("a", 2, 1.0, "x"))
    found = quarantine(frame, CONTRACT)
    assert (found.report.verdict, found.bad_rows) == ("pass", 0)
    good, bad = parted(frame)
    assert good.equals(frame)
    assert bad.schema == {**SCHEMA, VIOLATED_RULES_COLUMN: pl.String}


def test_a_column_of_that_name_is_kept_and_the_rules_go_beside_it() -> None:
    frame = orders(("a", 1, -1.0, "x"), ("a", 2, 1.0, "x")).with_columns(pl.lit("mine").alias(VIOLATED_RULES_COLUMN))
    found = quarantine(frame, {**CONTRACT, "unknown_columns": "ignore"})
    ((good, bad),) = found.split()
    assert found.reason_column == f"{VIOLATED_RULES_COLUMN} 2"
    assert good.columns == frame.columns
    assert bad.select(VIOLATED_RULES_COLUMN, found.reason_column).rows() == [("mine", "price: min")]


def test_what_is_repeated_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        polars_engine,
        "find_duplicates",
        lambda table, names: asked.append(names) or duplicates.find_duplicates(table, names),
    )
    frame = orders(("a", 1, 1.0, ""), ("a", 2, 1.0, ""), ("a", 1, 2.0, ""))
    found = quarantine(frame, {**CONTRACT, "quarantine": {"max_fraction": 1}})
    ((good, bad),) = found.split()
    assert (asked, good.height, bad.height) == ([("shop", "order")], 1, 2)


def test_a_rule_that_some_rows_may_break_stays_an_error_beside_a_namesake() -> None:
    check = {"name": "min", "rule": "price > 5", "max_fraction": 0.1}
    contract = {**CONTRACT, "checks": [check]}
    found = quarantine(orders(("a", 1, -1.0, "x"), ("a", 2, 1.0, "x"), ("a", 3, 9.0, "x")), contract)
    severities = [c.severity for c in found.report.checks if c.name == "min" and c.status == "fail"]
    assert severities == ["warn", "error"]


def test_too_few_good_rows_are_a_failure() -> None:
    contract = {**CONTRACT, "rows": {"min": 2}}
    found = quarantine(orders(("a", 1, -1.0, "x"), ("a", 2, 1.0, "x")), contract)
    assert found.report.verdict == "fail"
    assert "the 1 others are fewer than 2" in found.report.summary()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]),
            st.one_of(st.none(), st.integers(0, 3)),
            st.one_of(st.none(), st.floats()),
            st.one_of(st.none(), st.text(max_size=5)),
        ),
        max_size=20,
    ),
    st.integers(1, 7),
)
def test_good_and_bad_rows_together_are_all_rows_and_the_good_ones_keep_the_contract(
    rows: list[Any], size: int
) -> None:
    frame = orders(*rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "SLICE_ROWS", size)
        found = quarantine(frame, CONTRACT)
        pairs = list(found.split())
    good = pl.concat([frame.head(0), *(good for good, _ in pairs)])
    bad = [bad for _, bad in pairs]
    assert sum(map(len, bad)) == found.bad_rows
    every = pl.concat([good, *(some.drop(VIOLATED_RULES_COLUMN) for some in bad)])
    assert sorted(map(repr, every.rows())) == sorted(map(repr, frame.rows()))
    assert all(some[VIOLATED_RULES_COLUMN].str.len_chars().min() for some in bad if len(some))
    strict = {**CONTRACT, "rows": {"min": 0}}
    failed = {c.name for c in validate(good, strict).failed if c.severity == "error"}
    assert failed <= {"missing"}  # the price, of which half may be missing
