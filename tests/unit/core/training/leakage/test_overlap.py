"""Rows, groups and contents in two parts: what is shared is counted, named, and told from accident."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.core.training.leakage.overlap import check_identical_rows, check_overlap

ids = st.lists(st.integers(0, 30), min_size=1, max_size=20)


def of_keys(frames: dict[str, pd.DataFrame], key: list[str], groups: list[str] | None = None) -> list[Any]:
    found = list(check_overlap(frames, key, groups or [], ["x"], 1000))
    return found[:-1]


@settings(max_examples=25, deadline=None)
@given(ids, ids, ids)
def test_rows_in_two_parts_are_exactly_those_whose_key_is_in_both(a: list[int], b: list[int], c: list[int]) -> None:
    frames = {n: pd.DataFrame({"k": k, "x": 0.0}) for n, k in (("train", a), ("validation", b), ("test", c))}
    (check,) = of_keys(frames, ["k"])
    wanted = {
        "train and validation": len({*a} & {*b}),
        "train and test": len({*a} & {*c}),
        "validation and test": len({*b} & {*c}),
    }
    assert {pair: check.observed[pair] for pair in wanted} == wanted
    assert check.status == ("fail" if any(wanted.values()) else "pass")


def test_a_key_is_the_same_as_number_and_as_text_and_of_several_columns() -> None:
    train = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "x": 0.0})
    test = pd.DataFrame({"a": [1.0, 2.0], "b": ["y", "y"], "x": 0.0})
    (check,) = of_keys({"train": train, "test": test}, ["a", "b"])
    assert (check.observed["train and test"], check.observed["examples"], check.where) == (1, ["2 y"], "a, b")
    (_, group) = of_keys({"train": train, "test": test}, ["b"], ["a"])
    assert (group.name, group.where, group.status) == ("overlapping groups", "a", "fail")


def test_rows_without_a_key_are_not_known_to_be_apart() -> None:
    frames = {"train": pd.DataFrame({"k": [1, None], "x": 0.0}), "test": pd.DataFrame({"k": [2], "x": 0.0})}
    (check,) = of_keys(frames, ["k"])
    assert (check.status, check.message) == ("inconclusive", "1 rows have no value")


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(size=rows), "n": rng.integers(0, 9, rows), "t": rng.choice(["a", "b"], rows)})


def test_copied_rows_are_counted_whatever_their_column_types_became() -> None:
    train, test = table(500), table(200, 1)
    copied = pd.concat([train, test.head(20).astype({"n": float})], ignore_index=True)
    check = check_identical_rows(copied, test)
    assert (check.status, check.severity, check.observed["rows"]) == ("fail", "warn", 20)
    assert check.observed["expected_by_chance"] < 5
    assert len(check.observed["examples"]) == 5
    assert check_identical_rows(train, test).status == "pass"


def test_missing_values_are_equal_to_each_other_and_to_nothing_else() -> None:
    train = pd.DataFrame({"x": [np.nan, 1.0], "t": [None, "None"]})
    test = pd.DataFrame({"x": [np.nan, np.nan, 1.0], "t": [None, "None", None]})
    assert check_identical_rows(train, test).observed["rows"] == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(20, 400), st.integers(1, 3))
def test_coarse_rows_coincide_by_accident_and_that_is_no_warning(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    frames = [pd.DataFrame(rng.integers(0, 4, (rows, columns))).rename(columns=str) for _ in range(2)]
    check = check_identical_rows(*frames)
    assert check.status == "pass", check.message
