"""The rules beyond one column's range: over columns, freshness, lengths, uniqueness, severity by rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data import frames
from airflow_mlops.core.data.contracts.contract import Contract
from airflow_mlops.core.data.contracts.expression import Constant
from airflow_mlops.core.data.validation import validate
from airflow_mlops.core.data.validation.quarantine import quarantine
from airflow_mlops.core.data.validation.rule_checks import is_within_limit
from airflow_mlops.core.data.validation.rules import ColumnStorage, ValidationRule, build_rules

CONTRACT: dict[str, Any] = {
    "name": "trips",
    "key": "id",
    "columns": {
        "id": {"type": "int"},
        "start": {"type": "datetime"},
        "end": {"type": "datetime", "required": False},
        "fare": {"type": "float"},
    },
    "checks": [{"name": "end after start", "rule": "end >= start"}],
}


def trips(rows: int = 10) -> pl.DataFrame:
    start = [datetime(2024, 5, 1) + timedelta(hours=i) for i in range(rows)]
    end = [moment + timedelta(minutes=5) for moment in start]
    return pl.DataFrame({"id": range(rows), "start": start, "end": end, "fare": [1.0] * rows})


def column(rule: dict[str, Any], values: Any) -> Report:
    return validate(pl.DataFrame({"x": values}), {"name": "one", "columns": {"x": rule}})


def found(report: Report, name: str) -> Check:
    (check,) = [c for c in report.checks if c.name == name]
    return check


def test_a_rule_over_columns_tells_the_rows_that_break_it() -> None:
    assert validate(trips(), CONTRACT).verdict == "pass"
    late = trips().with_columns(end=pl.when(pl.col("id") == 4).then(datetime(2024, 1, 1)).otherwise("end"))
    check = found(validate(late, CONTRACT), "end after start")
    assert (check.status, check.where, check.expected) == ("fail", "end, start", "end >= start")
    assert check.observed["count"] == 1
    assert check.observed["examples"] == [{"id": 4, "end": "2024-01-01 00:00:00", "start": "2024-05-01 04:00:00"}]
    assert "1 of 10 rows (10.00%) violate 'end >= start'" in check.message


def test_a_missing_value_keeps_a_rule_over_columns() -> None:
    assert validate(trips().with_columns(end=pl.lit(None, pl.Datetime)), CONTRACT).verdict == "pass"


def test_a_share_of_the_rows_may_break_a_rule_over_columns() -> None:
    some = {**CONTRACT, "checks": [{"name": "cheap", "rule": "fare < 1", "max_fraction": 0.5, "severity": "warn"}]}
    half = trips().with_columns(fare=pl.col("id").mod(2).cast(pl.Float64))
    assert found(validate(half, some), "cheap").status == "pass"
    more = trips().with_columns(fare=pl.when(pl.col("id") > 3).then(1.0).otherwise(0.0))
    assert found(validate(more, some), "cheap").observed["fraction"] == 0.6
    assert validate(more, some).verdict == "warn"


def test_a_rule_whose_column_is_absent_or_of_another_type_is_not_judged() -> None:
    optional = found(validate(trips().drop("end"), CONTRACT), "end after start")
    assert (optional.status, optional.severity) == ("inconclusive", "info")
    assert validate(trips().drop("end"), CONTRACT).verdict == "pass"
    other = found(validate(trips().with_columns(end=pl.lit(3)), CONTRACT), "end after start")
    assert (other.status, other.severity) == ("inconclusive", "error")


@pytest.mark.parametrize(
    ("newest", "as_of", "status"),
    [
        (datetime(2024, 5, 1), datetime(2024, 5, 8), "pass"),
        (datetime(2024, 5, 1), datetime(2024, 5, 8, 0, 0, 1), "fail"),
        (datetime(2024, 5, 1), date(2024, 5, 8), "pass"),
        (datetime(2024, 5, 1), "2024-05-08", "pass"),
        (datetime(2024, 5, 1), "2024-05-08T00:00:01+00:00", "fail"),
        (datetime(2024, 5, 1), datetime(2024, 5, 8, 2, tzinfo=timezone(timedelta(hours=2))), "pass"),
        (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 8), "pass"),
        (date(2024, 5, 1), datetime(2024, 5, 8), "pass"),
        ("2024-05-01T02:00+02:00", datetime(2024, 5, 8), "pass"),
        ("2024-04-30", datetime(2024, 5, 8), "fail"),
        (None, datetime(2024, 5, 8), "fail"),
    ],
)
def test_the_newest_row_is_judged_as_of_a_moment(newest: Any, as_of: Any, status: str) -> None:
    kind = "date" if type(newest) is date else "datetime"
    contract = {
        "name": "x",
        "columns": {"at": {"type": kind}},
        "freshness": {"column": "at", "max_age": "7d"},
    }
    report = validate(pl.DataFrame({"at": [None, newest]}), contract, as_of=as_of)
    assert found(report, "freshness").status == status


def test_a_moment_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(BadInput, match="'last week' is not a date or time"):
        validate(trips(), CONTRACT, as_of="last week")


def test_without_a_moment_data_is_judged_now() -> None:
    contract = {"name": "x", "columns": {"at": {"type": "datetime"}}, "freshness": {"column": "at", "max_age": "1h"}}
    now = datetime.now(UTC)
    assert found(validate(pl.DataFrame({"at": [now]}), contract), "freshness").status == "pass"
    assert found(validate(pl.DataFrame({"at": [now - timedelta(hours=2)]}), contract), "freshness").status == "fail"


def test_the_newest_row_may_be_in_any_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SLICE_ROWS", 3)
    contract = {**CONTRACT, "freshness": {"column": "start", "max_age": "1d"}}
    report = validate(trips().sort("id", descending=True), contract, as_of=datetime(2024, 5, 1, 12))
    assert found(report, "freshness").observed == {"newest": "2024-05-01T09:00:00+00:00", "age_hours": 3.0}


@pytest.mark.parametrize(
    ("rule", "values", "failed"),
    [
        ({"type": "str", "min_length": 2}, ["ab", None], set()),
        ({"type": "str", "min_length": 2}, ["日"], {"min_length"}),
        ({"type": "str", "max_length": 2}, ["日本"], set()),
        ({"type": "str", "max_length": 2}, ["abc"], {"max_length"}),
        ({"type": "category", "max_length": 1}, [1, 10], {"max_length"}),
        ({"type": "int", "unique": True}, [1, None, None, 2], set()),
        ({"type": "int", "unique": True}, [2, 1, 2], {"unique"}),
        ({"type": "float", "unique": True}, [float("nan"), float("nan"), 1.0], set()),
        ({"type": "float", "unique": True}, [0.0, -0.0], {"unique"}),
        ({"type": "category", "values": [1, 2]}, [1, 2, 3], {"values"}),
        ({"type": "category", "values": ["a", 2]}, [2.0, float("nan")], set()),
        ({"type": "category", "values": ["true"]}, [True, False], {"values"}),
        ({"type": "category", "values": ["1", "99999999999999999999"]}, [1, 2], {"values"}),
        ({"type": "float", "values": [0.5, 1]}, [0.5, 1.0, None, float("nan")], set()),
        ({"type": "float", "values": [0.1]}, pl.Series([0.1], dtype=pl.Float32), set()),
        ({"type": "int", "values": list(range(20))}, pl.Series([3, 200], dtype=pl.UInt8), {"values"}),
        ({"type": "float", "max": 2}, pl.Series(["1.5", "2.5"]).cast(pl.Decimal(10, 2)), {"max"}),
        ({"type": "int"}, pl.Series(["1", "2"]).cast(pl.Decimal(10, 2)), set()),
        ({"type": "int"}, pl.Series(["1.5"]).cast(pl.Decimal(10, 2)), {"type"}),
        ({"type": "int", "max": 10**30}, [2**63 - 1], set()),
        ({"type": "int", "min": -1, "max": 300}, pl.Series([255], dtype=pl.UInt8), set()),
        ({"type": "str", "values": ["a"]}, pl.Series(["a", "b"], dtype=pl.Categorical), {"values"}),
        ({"type": "date", "max": date(2024, 1, 1)}, ["2024-01-01", "2024-01-02"], {"max"}),
        ({"type": "datetime"}, ["2024-01-01T25:00"], {"type"}),
        ({"type": "date"}, ["01/02/2024"], {"type"}),
        ({"type": "datetime", "min": datetime(2024, 1, 1)}, [datetime(2024, 1, 1, tzinfo=UTC)], set()),
    ],
)
def test_each_rule_counts_what_breaks_it_and_nothing_else(rule: dict[str, Any], values: Any, failed: set[str]) -> None:
    report = column(rule, values)
    assert {c.name for c in report.failed} == failed
    for check in report.failed:
        assert check.observed["count"] == 1


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(0, 127)), min_size=1, max_size=20),
    st.sampled_from([pl.Int8, pl.UInt8, pl.Int16, pl.UInt32, pl.Int64, pl.UInt64, pl.Float32, pl.Float64]),
    st.integers(-300, 300),
    st.integers(-300, 300),
    st.lists(st.integers(-300, 300), min_size=1, max_size=12),
)
def test_how_numbers_are_stored_changes_nothing(
    values: list[int | None], stored: Any, low: int, high: int, allowed: list[int]
) -> None:
    low, high = sorted((low, high))
    contract = {
        "name": "x",
        "columns": {"x": {"type": "int", "min": low, "max": high, "values": allowed}},
        "checks": [{"name": "sum", "rule": f"x + 200 - x * 2 < {high}"}],
    }
    report = validate(pl.DataFrame({"x": pl.Series(values, dtype=stored)}), contract)
    present = [v for v in values if v is not None]
    expected = {
        "min": sum(v < low for v in present),
        "max": sum(v > high for v in present),
        "values": sum(v not in allowed for v in present),
        "sum": sum(200 - v >= high for v in present),
    }
    assert {name: found(report, name).observed["count"] for name in expected} == expected


def test_each_rule_may_have_a_severity_of_its_own() -> None:
    rule = {"type": "float", "min": 0, "nullable": False, "severity": {"missing": "warn"}}
    assert column(rule, [1.0, None]).verdict == "warn"
    assert column(rule, [1.0, -1.0]).verdict == "fail"


def test_a_column_named_as_a_rule_over_columns_calls_it_is_found() -> None:
    contract = {
        "name": "x",
        "columns": {"a b": {"type": "int"}, "c.d": {"type": "int"}},
        "checks": [{"name": "order", "rule": "col('a b') < col('c.d')"}],
    }
    assert validate(pl.DataFrame({"a b": [1], "c.d": [2]}), contract).verdict == "pass"
    assert validate(pl.DataFrame({"a b": [2], "c.d": [1]}), contract).verdict == "fail"


def test_a_pattern_in_a_rule_that_polars_cannot_run_is_told_with_the_rules_name() -> None:
    contract = {
        "name": "x",
        "columns": {"a": {"type": "str"}},
        "checks": [{"name": "odd", "rule": "matches(a, '(?=a)a')"}],
    }
    with pytest.raises(BadInput, match="the check 'odd'"):
        validate(pl.DataFrame({"a": ["a"]}), contract)


@pytest.mark.parametrize(
    "name", ["row", "row number", "^a.*$", "*", "^.*$", "", "hash", "newest", "0", "unique 0 rises"]
)
def test_a_column_may_have_any_name(name: str) -> None:
    data = pl.DataFrame({name: [1, 2, 2, 9], "abc": [1, 1, 1, 1]})
    columns = {name: {"type": "int", "max": 5, "unique": True}, "abc": {"type": "int"}}
    report = validate(data, {"name": "x", "columns": columns})
    assert [(c.name, c.where, c.observed["count"]) for c in report.failed] == [("max", name, 1), ("unique", name, 1)]
    (example,) = report.failed[0].observed["examples"]
    assert list(example.values()) == [3, 9]
    good, bad = next(quarantine(data, {"name": "x", "columns": columns}).split())
    assert (good[name].to_list(), bad[name].to_list()) == ([1], [2, 2, 9])


def test_a_number_hides_no_column_of_an_example() -> None:
    data = pl.DataFrame({"row": [1], "row number": [2]})
    columns = {name: {"type": "int"} for name in data.columns}
    rule = {"name": "less", "rule": "row > col('row number')"}
    report = validate(data, {"name": "x", "columns": columns, "checks": [rule]})
    assert report.failed[0].observed["examples"] == [{"row number 2": 0, "row": 1, "row number": 2}]


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(0, 200))
def test_just_the_share_that_is_allowed_keeps_a_rule(rows: int, missing: int) -> None:
    missing = min(rows, missing)
    rule = ValidationRule("missing", ("x",), "x", "error", 0, "are missing", Constant(True), missing / rows)
    assert is_within_limit(rule, missing, rows)
    assert not is_within_limit(rule, missing + 1, rows)


def test_every_row_rule_is_there_with_a_condition_that_any_engine_can_run() -> None:
    rules = build_rules(Contract.load(CONTRACT), {name: ColumnStorage("int", "BIGINT") for name in ("id", "fare")})
    assert [(rule.name, rule.where) for rule in rules.row_rules] == [
        ("type", "id"),
        ("missing", "id"),
        ("finite", "id"),
        ("type", "fare"),
        ("finite", "fare"),
    ]
    assert [(rule.name, rule.where) for rule in rules.unique_rules] == [("key", "id")]
    assert {c.name for c in rules.checks if c.status == "fail"} == {"required"}


def test_a_million_rows_are_counted_as_numpy_counts_them() -> None:
    values = np.random.default_rng(0).normal(size=1_000_000)
    report = column({"type": "float", "min": -3, "max": 2.5}, values)
    expected = {"min": int((values < -3).sum()), "max": int((values > 2.5).sum())}
    assert {name: found(report, name).observed["count"] for name in expected} == expected
