"""Bad data gives a report that names rule, column and examples; an unreadable file gives an error."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data import frames
from airflow_mlops.core.data.validation import validate

CONTRACT: dict[str, Any] = {
    "name": "churn",
    "key": ["id"],
    "columns": {
        "id": {"type": "int"},
        "plan": {"type": "category", "values": ["basic", "plus"]},
        "price": {"type": "float", "min": 0, "max": 500, "max_missing": 0.2, "severity": "warn"},
        "code": {"type": "str", "pattern": "[A-Z]{2}"},
        "churned": {"type": "int", "values": [0, 1], "role": "label"},
    },
    "environments": {"serving": {"without": ["churned"]}},
}


def good(rows: int = 10) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": range(rows),
            "plan": ["basic", "plus"] * (rows // 2),
            "price": [float(i) for i in range(rows)],
            "code": ["NA"] * rows,
            "churned": [0, 1] * (rows // 2),
        }
    )


def column_contract(rule: dict[str, Any]) -> dict[str, Any]:
    return {"name": "one", "columns": {"x": rule}}


def found(report: Report, name: str, where: str | None = None) -> Check:
    (check,) = [c for c in report.checks if c.name == name and c.where == where]
    return check


def failures(report: Report) -> set[tuple[str, str | None]]:
    return {(c.name, c.where) for c in report.checks if c.status == "fail"}


def test_good_data_passes_with_one_check_a_rule() -> None:
    report = validate(good(), CONTRACT)
    assert report.verdict == "pass"
    assert report.kind == "validation"
    names = {(c.name, c.where) for c in report.checks}
    assert names >= {("key", "id"), ("values", "plan"), ("min", "price"), ("pattern", "code"), ("rows", None)}
    assert len(names) == len(report.checks)


def test_a_broken_rule_tells_count_share_and_examples_with_keys() -> None:
    data = good().with_columns(plan=pl.when(pl.col("id") >= 3).then(pl.lit("gold")).otherwise("plan"))
    check = found(validate(data, CONTRACT), "values", "plan")
    assert check.status == "fail"
    assert check.observed["count"] == 7
    assert check.observed["fraction"] == 0.7
    assert check.observed["examples"] == [{"id": i, "plan": "gold"} for i in range(3, 8)]
    assert "'gold'" in check.message


def test_severity_decides_between_warn_and_fail() -> None:
    assert validate(good().with_columns(price=pl.lit(-1.0)), CONTRACT).verdict == "warn"
    assert validate(good().with_columns(churned=pl.lit(2)), CONTRACT).verdict == "fail"


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"price": pl.lit(500.5)}, ("max", "price")),
        ({"price": pl.lit(-0.5)}, ("min", "price")),
        ({"price": pl.lit(float("inf"))}, ("finite", "price")),
        ({"price": pl.lit(float("-inf"))}, ("finite", "price")),
        ({"price": pl.lit(float("nan"))}, ("missing", "price")),
        ({"price": pl.lit("dear")}, ("type", "price")),
        ({"code": pl.lit("NAM")}, ("pattern", "code")),
        ({"id": pl.when(pl.col("id") > 0).then("id")}, ("missing", "id")),
        ({"id": pl.lit(7)}, ("key", "id")),
        ({"churned": pl.lit(0.5)}, ("type", "churned")),
    ],
)
def test_each_rule_fails_alone_when_only_it_is_broken(change: dict[str, pl.Expr], failure: tuple[str, str]) -> None:
    broken = failures(validate(good().with_columns(**change), CONTRACT))
    assert failure in broken
    assert broken <= {failure, ("values", "churned")}


def test_an_int_column_that_came_as_float_because_of_missing_values_is_an_int() -> None:
    data = pd.DataFrame({"x": [1.0, np.nan, 0.0]})
    assert validate(data, column_contract({"type": "int", "values": [0, 1]})).verdict == "pass"


def test_a_wrong_type_names_both_types_and_leaves_other_rules_unjudged() -> None:
    report = validate(good().with_columns(price=pl.lit("3.5")), CONTRACT)
    check = found(report, "type", "price")
    assert (check.observed, check.expected) == ("String", "float")
    assert found(report, "min", "price").status == "inconclusive"


def test_missing_and_unknown_columns_are_told() -> None:
    report = validate(good().drop("plan").with_columns(extra=1), CONTRACT)
    assert failures(report) == {("required", "plan"), ("unknown column", "extra")}
    assert found(report, "unknown column", "extra").severity == "warn"
    ignoring = validate(good().with_columns(extra=1), {**CONTRACT, "unknown_columns": "ignore"})
    assert ignoring.verdict == "pass"
    assert validate(good().with_columns(extra=1), {**CONTRACT, "unknown_columns": "error"}).verdict == "fail"


def test_serving_data_needs_no_label() -> None:
    data = good().drop("churned")
    assert validate(data, CONTRACT).verdict == "fail"
    assert validate(data, CONTRACT, environment="serving").verdict == "pass"


def test_the_share_of_missing_values_counts_null_and_nan_alike() -> None:
    data = good().with_columns(price=pl.Series([None, float("nan"), *[1.0] * 8]))
    assert found(validate(data, CONTRACT), "missing", "price").observed == {"count": 2, "fraction": 0.2}
    more = data.with_columns(price=pl.Series([None, None, float("nan"), *[1.0] * 7]))
    assert found(validate(more, CONTRACT), "missing", "price").status == "fail"


def test_a_key_of_two_columns_is_unique_together_also_across_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SLICE_ROWS", 2)
    contract = {"name": "k", "key": ["a", "b"], "columns": {"a": {"type": "int"}, "b": {"type": "str"}}}
    data = pl.DataFrame({"a": [1, 1, 2, 2, 1], "b": ["x", "y", "x", "y", "z"]})
    assert validate(data, contract).verdict == "pass"
    twice = found(validate(pl.concat([data, data[:1]]), contract), "key", "a, b")
    assert twice.observed == {"count": 1, "fraction": 1 / 6, "examples": [{"a": 1, "b": "x", "rows": 2}]}


def test_examples_give_the_row_number_where_there_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SLICE_ROWS", 3)
    report = validate(pl.DataFrame({"x": [0, 0, 0, 0, 9, 0, 8]}), column_contract({"type": "int", "max": 1}))
    assert found(report, "max", "x").observed["examples"] == [{"row": 4, "x": 9}, {"row": 6, "x": 8}]


def test_empty_data_fails_unless_the_contract_allows_it() -> None:
    report = validate(good(0), CONTRACT)
    assert report.verdict == "fail"
    assert "empty" in found(report, "rows").message
    assert validate(good(0), {**CONTRACT, "rows": {"min": 0}}).verdict == "pass"
    assert validate(good(10), {**CONTRACT, "rows": {"min": 11}}).verdict == "fail"
    assert validate(good(10), {**CONTRACT, "rows": {"max": 9}}).verdict == "fail"


@pytest.mark.parametrize(
    ("rule", "values", "verdict"),
    [
        ({"type": "date", "min": date(2024, 1, 1)}, [date(2024, 1, 1)], "pass"),
        ({"type": "date", "min": date(2024, 1, 1)}, [date(2023, 12, 31)], "fail"),
        ({"type": "date"}, ["2024-02-29"], "pass"),
        ({"type": "date"}, ["2024-02-30"], "fail"),
        ({"type": "date"}, [datetime(2024, 1, 1, 12)], "fail"),
        ({"type": "datetime", "max": datetime(2024, 1, 1)}, [datetime(2024, 1, 1, 1)], "fail"),
        ({"type": "bool"}, [True, None], "pass"),
        ({"type": "bool"}, [1, 0], "fail"),
        ({"type": "category", "values": [1, 2]}, [1.0, None], "pass"),
        ({"type": "category", "values": ["1"]}, [1, 2], "fail"),
        ({"type": "float", "nullable": False}, [1, 2], "pass"),
        ({"type": "float"}, [None, None], "pass"),
        ({"type": "int", "max": 5}, [10**18], "fail"),
        ({"type": "str"}, [[1], [2]], "fail"),
    ],
)
def test_types_are_judged_by_what_they_can_hold(rule: dict[str, Any], values: list[Any], verdict: str) -> None:
    assert validate(pl.DataFrame({"x": values}), column_contract(rule)).verdict == verdict


def test_mixed_objects_in_pandas_are_a_wrong_type_and_no_exception() -> None:
    data = pd.DataFrame({"x": pd.Series([1, "two", 3.5, None], dtype=object)})
    assert found(validate(data, column_contract({"type": "int"})), "type", "x").status == "fail"


def test_a_text_of_a_million_characters_stays_bounded_in_the_report() -> None:
    report = validate(pl.DataFrame({"x": ["a" * 10**6]}), column_contract({"type": "str", "values": ["b"]}))
    assert report.verdict == "fail"
    assert len(report.to_json()) < 5000


@given(st.lists(st.one_of(st.none(), st.floats(width=64)), min_size=1, max_size=40), st.integers(1, 7))
def test_counts_agree_with_plain_python_for_any_numbers_and_slices(values: list[float | None], size: int) -> None:
    rule = {"type": "float", "min": -1, "max": 1, "max_missing": 0.5}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "SLICE_ROWS", size)
        report = validate(pl.DataFrame({"x": values}, schema={"x": pl.Float64}), column_contract(rule))
    present = [v for v in values if v is not None and v == v]
    finite = [v for v in present if abs(v) != float("inf")]
    expected = {
        "missing": len(values) - len(present),
        "finite": len(present) - len(finite),
        "min": sum(v < -1 for v in finite),
        "max": sum(v > 1 for v in finite),
    }
    assert {name: found(report, name, "x").observed["count"] for name in expected} == expected


def test_files_give_the_same_report_as_the_frame(tmp_path: Path) -> None:
    data = good(100).with_columns(price=pl.col("price") - 5)
    for i in range(4):
        data[i * 25 : (i + 1) * 25].write_parquet(tmp_path / f"{i}.parquet")
    whole = [c.to_dict() for c in validate(data, CONTRACT).checks]
    assert [c.to_dict() for c in validate(tmp_path, CONTRACT).checks] == whole
    assert [c.to_dict() for c in validate(sorted(tmp_path.iterdir()), CONTRACT).checks] == whole
    assert [c.to_dict() for c in validate(data.to_pandas(), CONTRACT).checks] == whole


def test_a_file_that_cannot_be_read_is_named_with_a_hint(tmp_path: Path) -> None:
    whole, torn, empty = (tmp_path / f"{name}.parquet" for name in ("whole", "torn", "empty"))
    good(1000).write_parquet(whole)
    torn.write_bytes(whole.read_bytes()[:-200])
    empty.touch()
    for file, message in [
        (torn, "cannot be read"),
        (empty, "is empty"),
        (tmp_path / "gone.parquet", "file not found"),
    ]:
        with pytest.raises(BadInput, match=message) as caught:
            validate([str(whole), str(file)], CONTRACT)
        assert caught.value.where == str(file)
        assert caught.value.hint


def test_damage_inside_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "rotten.parquet"
    good(1000).write_parquet(file, compression="zstd")
    body = bytearray(file.read_bytes())
    body[4:400] = b"\xff" * 396
    file.write_bytes(body)
    with pytest.raises(BadInput) as caught:
        validate(file, CONTRACT)
    assert caught.value.where == str(file)


def test_files_that_disagree_are_named(tmp_path: Path) -> None:
    good().write_parquet(tmp_path / "a.parquet")
    good().drop("plan").write_parquet(tmp_path / "b.parquet")
    with pytest.raises(BadInput, match=r"plan[^\n]*\n.*b\.parquet"):
        validate(tmp_path, CONTRACT)


def test_duplicate_columns_in_pandas_are_rejected_with_a_hint() -> None:
    with pytest.raises(BadInput, match=r"occur twice.*'x'"):
        validate(pd.DataFrame([[1, 2]], columns=["x", "x"]), column_contract({"type": "int"}))


def test_a_pattern_that_polars_cannot_run_is_told_before_any_row_is_read() -> None:
    with pytest.raises(BadInput, match=r"columns\.x\.pattern"):
        validate(pl.DataFrame({"x": ["a"]}), column_contract({"type": "str", "pattern": "(?=a)a"}))
