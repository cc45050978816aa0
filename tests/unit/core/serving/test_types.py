"""Plain values are typed as they are meant, to the last one that a type holds; or what is wrong with them is told."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from airflow_mlops.core.data.contracts.column_rules import ColumnRule
from airflow_mlops.core.serving.errors import RequestProblem
from airflow_mlops.core.serving.types import parse_column


def column(given: list[Any], kind: str, *, most_text: int = 20, **rule: Any) -> pl.Series:
    found = parse_column("c", given, ColumnRule.load({"type": kind, **rule}), most_text)
    assert isinstance(found, pl.Series), found
    return found


def problem(given: list[Any], kind: str, *, most_text: int = 20, **rule: Any) -> RequestProblem:
    found = parse_column("c", given, ColumnRule.load({"type": kind, **rule}), most_text)
    assert isinstance(found, RequestProblem), found
    return found


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 2.0**53 - 1, 1 - 2.0**53, 0, -3.0])
def test_a_whole_number_that_64_bits_hold_surely_is_one(value: float) -> None:
    found = column([value, None], "int")
    assert (found.to_list(), found.dtype) == ([int(value), None], pl.Int64())


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2.0**53, -(2.0**53), 0.5, True, "1"])
def test_what_they_do_not_hold_or_may_have_been_rounded_is_none(value: Any) -> None:
    told = problem([None, 1, value], "int")
    assert (told.column, told.rule, told.rows, told.count) == ("c", "type", (2,), 1)
    assert told.expected == "an integer"


def test_a_number_that_no_double_holds_is_infinite_with_its_sign() -> None:
    assert column([10**400, -(10**400), 3, None], "float").to_list() == [math.inf, -math.inf, 3.0, None]


@pytest.mark.parametrize(
    ("values", "dtype"), [([1, None], pl.Int64()), (["a", None], pl.String()), ([None, None], pl.String())]
)
def test_a_category_without_a_set_is_what_came(values: list[Any], dtype: pl.DataType) -> None:
    found = column(values, "category")
    assert (found.to_list(), found.dtype) == (values, dtype)


def test_a_category_s_set_says_what_it_is_whatever_came() -> None:
    assert column([None], "category", values=[1, 2]).dtype == pl.Int64()
    assert problem([1], "category", values=["1", "2"]).expected == "text, or an integer"


@pytest.mark.parametrize("rule", [{}, {"max_length": 3}])
def test_a_text_may_be_as_long_as_is_said_and_no_longer(rule: dict[str, int]) -> None:
    most = {"most_text": 20} if rule else {"most_text": 3}
    assert column(["abc", None], "str", **rule, **most).to_list() == ["abc", None]
    told = problem(["abc", "abcd"], "str", **rule, **most)
    assert (told.rule, told.rows, told.expected, told.observed) == ("max_length", (1,), 3, "4 characters")


@pytest.mark.parametrize("kind", ["date", "datetime"])
def test_a_moment_in_text_is_read_and_nothing_else_is_one(kind: str) -> None:
    found = column(["2026-04-06T14:00:00Z", None], kind)
    assert found.to_list() == [datetime(2026, 4, 6, 14, tzinfo=UTC), None]
    for wrong in ("soon", "2026-02-30", 20260406, True):
        assert (problem(["2026-04-06", wrong], kind).rule, problem([wrong], kind).rows) == ("type", (0,))


def test_of_many_wrong_values_all_are_counted_and_the_first_are_named() -> None:
    for told in (problem([1] * 7, "str"), problem(["long"] * 7, "str", max_length=3), problem(["\0"] * 7, "str")):
        assert (told.count, told.rows) == (7, (0, 1, 2, 3, 4))
