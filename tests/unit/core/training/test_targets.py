"""A target that a task cannot use is refused before anything is fitted, and the error says what it has instead."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.targets import check_classes, check_target, encode_classes

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("task", "values", "said"),
    [
        ("binary", [0, 1, None], "1 rows have no 'y'"),
        ("multiclass", ["a", None, None], "2 rows have no 'y'"),
        ("regression", [1.0, NAN], "1 rows have no 'y'"),
        ("binary", [1, 1], r"a binary target of 0 and 1; got the values \[1\]"),
        ("binary", ["no", "yes"], "is not a binary target of 0 and 1"),
        ("binary", [0, 1, 2], "is not a binary target of 0 and 1"),
        ("multiclass", ["a", "a"], "all rows have the class 'a'"),
        ("multiclass", [0.0, 1.0, 1.5], r"fractional values, such as 1\.5"),
        ("regression", ["3", "4"], "values such as '3', '4', which are not numbers"),
        ("regression", [1.0, INF, -INF], "2 rows have an infinite 'y'"),
    ],
)
def test_a_target_that_the_task_cannot_use_is_refused(task: Any, values: list[Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        check_target(pd.Series(values, name="y"), task, where="here")
    assert caught.value.where == "here"


@pytest.mark.parametrize(
    ("task", "values"),
    [
        ("binary", [0, 1]),
        ("binary", [True, False]),
        ("binary", [0.0, 1.0]),
        ("multiclass", ["a", "b"]),
        ("multiclass", [3, 1, 2]),
        ("multiclass", [1.0, 2.0, 3.0]),
        ("regression", [0.5, 2.5]),
        ("regression", [1, 1]),
    ],
)
def test_a_target_of_the_task_is_let_through(task: Any, values: list[Any]) -> None:
    check_target(pd.Series(values, name="y"), task, where="here")


def test_two_classes_are_a_binary_task() -> None:
    with pytest.raises(BadInput, match="two classes, 'a', 'b'; a multiclass task has three or more"):
        check_classes(pd.Series(["a", "b", "a"], name="y"), where="here")
    check_classes(pd.Series(["a", "b", "c"], name="y"), where="here")


@given(st.lists(st.sampled_from(["north", "south", "east"]), min_size=1, max_size=30))
def test_each_class_gets_its_place_among_those_the_model_knows(values: list[str]) -> None:
    classes = ["east", "north", "south"]
    found = encode_classes(pd.Series(values, name="y"), classes, where="here")
    assert [classes[int(number)] for number in found] == values


def test_whole_numbers_are_one_class_whatever_their_type() -> None:
    assert encode_classes(pd.Series([2.0, 1.0], name="y"), [1, 2], where="here").tolist() == [1.0, 0.0]


def test_a_class_that_the_model_does_not_know_is_named() -> None:
    with pytest.raises(BadInput, match="was not trained on: 'west'"):
        encode_classes(pd.Series(["north", "west"], name="y"), ["north", "south"], where="here")
