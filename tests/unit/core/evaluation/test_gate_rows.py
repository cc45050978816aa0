"""Gate rows are read once, and a target that no model of the task can be judged by is refused in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.evaluation.gate_rows import encode_target, read_rows


def read(root: SnapshotRoot, frame: pd.DataFrame, task: str = "binary", **other: Any) -> Any:
    named = {"key": ["id"], "cluster": "id", "target": "y", "features": ["x"], **other}
    return read_rows(root.open(root.write("rows", frame)), task=task, **named)  # type: ignore[arg-type]


def test_an_empty_test_set_is_refused_in_words(root: SnapshotRoot) -> None:
    with pytest.raises(BadInput, match="there are no gate rows"):
        read(root, pd.DataFrame({"id": pd.Series([], dtype="int64"), "x": [], "y": []}))


def test_protected_attributes_need_not_be_features(root: SnapshotRoot) -> None:
    frame = pd.DataFrame({"id": [1, 2], "x": [0.1, 0.2], "y": [0, 1], "sex": ["f", "m"]})
    rows = read(root, frame, groups=["sex"], slices=["sex", "x"])
    assert list(rows.features.columns) == ["x"]
    assert list(rows.groups["sex"]) == ["f", "m"]
    assert set(rows.slices) == {"sex", "x"}


def test_a_column_that_is_not_there_is_named(root: SnapshotRoot) -> None:
    with pytest.raises(BadInput, match=r"no column \['region'\]"):
        read(root, pd.DataFrame({"id": [1], "x": [0.1], "y": [0]}), slices=["region"])


def test_rows_that_share_the_split_key_belong_together(root: SnapshotRoot) -> None:
    frame = pd.DataFrame({"id": [7, 8, 7], "week": [1, 1, 2], "x": [0.0] * 3, "y": [0, 1, 1]})
    rows = read(root, frame, key=["id", "week"])
    assert list(rows.keys) == ["7|1", "8|1", "7|2"]
    assert list(rows.cluster_numbers()) == [0, 1, 0]


@pytest.mark.parametrize(
    ("task", "values", "said"),
    [
        ("binary", [0, 2, 1], "a binary task has 0 and 1"),
        ("binary", ["no", "yes", "no"], "a binary task has 0 and 1"),
        ("binary", [0, None, 1], "1 rows have no 'y'"),
        ("multiclass", ["a", None, "b"], "1 rows have no 'y'"),
        ("multiclass", ["a", "z", "b"], "classes that the model was not trained on: 'z'"),
        ("regression", [1.0, np.nan, 2.0], "1 rows have no 'y'"),
        ("regression", [1.0, np.inf, 2.0], "infinite 'y'"),
        ("regression", ["a", "b", "c"], "not numbers"),
    ],
)
def test_a_target_that_is_not_of_the_task_is_refused(task: Any, values: list[Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        encode_target(pd.Series(values, name="y"), task, ["a", "b"], "gate rows")


@pytest.mark.parametrize("values", [[0, 1], [0.0, 1.0], [False, True]])
def test_two_classes_are_0_and_1_whatever_their_type(values: list[Any]) -> None:
    assert encode_target(pd.Series(values, name="y"), "binary", (), "rows").tolist() == [0.0, 1.0]


def test_one_class_alone_is_let_through_for_the_gate_to_say_what_it_means() -> None:
    assert encode_target(pd.Series([1, 1], name="y"), "binary", (), "rows").tolist() == [1.0, 1.0]
    assert encode_target(pd.Series(["b", "b"], name="y"), "multiclass", ["a", "b"], "rows").tolist() == [1.0, 1.0]


def test_classes_become_their_numbers_and_7_and_7_0_are_one_class() -> None:
    assert encode_target(pd.Series(["b", "a"], name="y"), "multiclass", ["a", "b"], "rows").tolist() == [1.0, 0.0]
    assert encode_target(pd.Series([9.0, 7.0], name="y"), "multiclass", [7, 8, 9], "rows").tolist() == [2.0, 0.0]
