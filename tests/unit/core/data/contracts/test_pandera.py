"""A pandera schema validates the same rows in the same way, or is rejected by name."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pandas as pd
import polars as pl
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.validation import validate

pa = pytest.importorskip("pandera.polars")
pandas_pa = pytest.importorskip("pandera.pandas")

CHECKS: list[tuple[Any, type, list[Any]]] = [
    (pa.Check.ge(2), int, [1, 2, 3]),
    (pa.Check.gt(2), int, [1, 2, 3]),
    (pa.Check.le(2.5), float, [2.4, 2.5, 2.6]),
    (pa.Check.lt(2.5), float, [2.4, 2.5, 2.6]),
    (pa.Check.in_range(1, 3), int, [0, 1, 3, 4]),
    (pa.Check.in_range(1, 3, include_min=False, include_max=False), int, [0, 1, 2, 3]),
    (pa.Check.eq(2), int, [1, 2]),
    (pa.Check.ne(2), int, [1, 2]),
    (pa.Check.isin(["a", "b"]), str, ["a", "c"]),
    (pa.Check.notin(["a", "b"]), str, ["a", "c"]),
    (pa.Check.str_matches("a+b"), str, ["aab", "aabx", "xab", ""]),
    (pa.Check.str_contains("a+b"), str, ["xaabx", "ba"]),
    (pa.Check.str_startswith("a.b"), str, ["a.bc", "axbc", "za.b"]),
    (pa.Check.str_endswith("a-b"), str, ["za-b", "a-bz"]),
    (pa.Check.str_length(2, 3), str, ["a", "ab", "abc", "abcd"]),
    (pa.Check.str_length(min_value=2), str, ["a", "ab"]),
]


@pytest.mark.parametrize(("check", "kind", "values"), CHECKS, ids=lambda v: getattr(v, "name", None))
def test_each_check_keeps_and_breaks_the_rows_that_pandera_does(check: Any, kind: type, values: list[Any]) -> None:
    schema = pa.DataFrameSchema({"x": pa.Column(kind, check)})
    for value in values:
        frame = pl.DataFrame({"x": [value]})
        try:
            schema.validate(frame)
            expected = "pass"
        except pa.errors.SchemaError:
            expected = "fail"
        assert validate(frame, schema).verdict == expected, value


def test_columns_types_nulls_and_uniqueness_are_converted() -> None:
    schema = pandas_pa.DataFrameSchema(
        {
            "id": pandas_pa.Column("Int64", unique=True),
            "when": pandas_pa.Column("datetime64[ns, UTC]", nullable=True, required=False),
            "plan": pandas_pa.Column("category", coerce=True),
            "ok": pandas_pa.Column("boolean"),
            "price": pandas_pa.Column("float32"),
            "name": pandas_pa.Column("string"),
        },
        strict=True,
        unique=["id", "plan"],
        name="people",
    )
    contract = Contract.load(schema)
    assert contract.name == "people"
    assert [rule.type for rule in contract.columns.values()] == ["int", "datetime", "category", "bool", "float", "str"]
    assert contract.columns["id"].unique
    assert contract.columns["when"].nullable
    assert not contract.columns["when"].required
    assert contract.key == ("id", "plan")
    assert contract.unknown_columns == "error"


def test_a_check_that_only_warns_only_warns() -> None:
    schema = pa.DataFrameSchema({"x": pa.Column(int, [pa.Check.ge(0), pa.Check.lt(9, raise_warning=True)])})
    assert validate(pl.DataFrame({"x": [10]}), schema).verdict == "warn"
    assert validate(pl.DataFrame({"x": [-1]}), schema).verdict == "fail"


def test_two_checks_of_one_kind_both_hold() -> None:
    schema = pa.DataFrameSchema({"x": pa.Column(str, [pa.Check.str_matches("a"), pa.Check.str_endswith("b")])})
    assert [validate(pl.DataFrame({"x": [v]}), schema).verdict for v in ("ab", "a", "b")] == ["pass", "fail", "fail"]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (pa.DataFrameSchema({"x": pa.Column(int, pa.Check(lambda d: True, name="odd"))}), "check 'odd'"),
        (pa.DataFrameSchema({"x": pa.Column(int, pa.Check.unique_values_eq([1]))}), "'unique_values_eq'"),
        (pa.DataFrameSchema({"x": pa.Column(str, pa.Check.ge("a"))}), "of a column of str"),
        (pa.DataFrameSchema({"x": pa.Column(int, pa.Check.ge(1, ignore_na=False), nullable=True)}), "ignore_na"),
        (pa.DataFrameSchema({"x": pa.Column(pl.List(pl.Int64))}), "the type List"),
        (pa.DataFrameSchema({"x": pa.Column(None)}), "the type None"),
        (pa.DataFrameSchema({"^x": pa.Column(int, regex=True)}), "regex=True"),
        (pa.DataFrameSchema({"x": pa.Column(int)}, ordered=True), "ordered=True"),
        (pa.DataFrameSchema({"x": pa.Column(int)}, checks=pa.Check(lambda d: True, name="sum")), "check 'sum' of the"),
        (pandas_pa.DataFrameSchema({"x": pandas_pa.Column(int)}, index=pandas_pa.Index(int)), "an index"),
        (pandas_pa.DataFrameSchema({"x": pandas_pa.Column(object)}), "the type object"),
    ],
)
def test_unsupported_parts_are_rejected_by_name(schema: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        Contract.load(schema)
    assert caught.value.hint


def test_a_schema_is_found_by_its_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rows(pa.DataFrameModel):
        x: int = pa.Field(ge=1)

    module = ModuleType("schemas_of_a_team")
    module.Rows, module.other = Rows, len  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert validate(pd.DataFrame({"x": [0]}), "schemas_of_a_team:Rows").verdict == "fail"
    assert validate(pd.DataFrame({"x": [1]}), "schemas_of_a_team:Rows").verdict == "pass"
    with pytest.raises(BadInput, match="is not a pandera schema"):
        Contract.load("schemas_of_a_team:other")
