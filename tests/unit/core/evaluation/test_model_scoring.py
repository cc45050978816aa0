"""Models are asked for scores; what goes wrong in one is told with its name, and classes are put in one order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.evaluation.model_scoring import align_classes, classes_of, predict_scores

X = pd.DataFrame({"p": [0.1, 0.9]})


class Chances:
    def __init__(self, given: Any, classes: Any = None) -> None:
        self.given = np.asarray(given)
        if classes is not None:
            self.classes_ = np.asarray(classes)

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        return self.given


def test_an_exception_in_a_model_names_role_error_and_line() -> None:
    class Broken:
        def predict_proba(self, frame: pd.DataFrame) -> Any:
            raise KeyError("the column 'age'\nwas renamed " + "x" * 900)

    with pytest.raises(BadInput, match="the champion m v3 cannot score 2 rows: KeyError") as told:
        predict_scores(Broken(), X, "binary", label="the champion m v3")
    assert "test_model_scoring.py" in str(told.value.where)
    assert len(told.value.what) < 400
    assert "\n" not in told.value.what


def test_too_little_memory_is_not_the_models_fault_and_may_be_tried_again() -> None:
    class Large:
        def predict_proba(self, frame: pd.DataFrame) -> Any:
            raise MemoryError

    with pytest.raises(MemoryError):
        predict_scores(Large(), X, "binary")


def test_several_classes_do_not_fit_a_binary_metric() -> None:
    with pytest.raises(BadInput, match="predicts 3 classes, a binary task has 2"):
        predict_scores(Chances(np.full((2, 3), 1 / 3), list("abc")), X, "binary")


def test_scores_that_are_not_finite_are_given_as_they_are() -> None:
    assert np.isnan(predict_scores(Chances([[1.0, 0.0], [np.nan, np.nan]], [0, 1]), X, "binary")).tolist() == [
        False,
        True,
    ]


@pytest.mark.parametrize("known", [[0, 1, 2], ["x", "y", "z"]])
def test_a_model_that_knows_none_of_the_classes_is_not_judged_as_a_hopeless_one(known: Any) -> None:
    with pytest.raises(BadInput, match="the champion m v3 supports none of the classes") as told:
        predict_scores(
            Chances(np.full((2, 3), 1 / 3), known), X, "multiclass", ["0", "1", "2"], label="the champion m v3"
        )
    assert str(known[:5]) in str(told.value.where)


def test_a_class_that_a_model_does_not_know_gets_no_chance() -> None:
    model = Chances([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2]], ["c", "a", "x"])
    scores = predict_scores(model, X, "multiclass", ["a", "b", "c"])
    assert scores.tolist() == [[0.7, 0.0, 0.2], [0.3, 0.0, 0.5]]


def test_a_model_of_two_classes_fits_into_a_task_of_three() -> None:
    scores = predict_scores(Chances([[0.2, 0.8], [0.9, 0.1]], ["a", "c"]), X, "multiclass", ["a", "b", "c"])
    assert scores == pytest.approx(np.array([[0.2, 0, 0.8], [0.9, 0, 0.1]]))


def test_two_classes_in_the_wrong_order_are_still_told_apart() -> None:
    scores = predict_scores(Chances([[0.2, 0.8], [0.9, 0.1]], [1, 0]), X, "multiclass", [0, 1, 2])
    assert scores == pytest.approx(np.array([[0.8, 0.2, 0], [0.1, 0.9, 0]]))


def test_a_model_that_does_not_name_its_classes_cannot_be_compared_by_class() -> None:
    with pytest.raises(BadInput, match="has no attribute classes_"):
        classes_of(Chances([[1.0]]))


@settings(max_examples=50, deadline=None)
@given(st.permutations(list("abcde")), st.integers(1, 5), st.integers(0, 99))
def test_the_order_of_a_models_classes_does_not_matter(order: list[str], known: int, seed: int) -> None:
    chances = np.random.default_rng(seed).dirichlet(np.ones(5), size=3)
    by_name = {name: chances[:, i] for i, name in enumerate("abcde")}
    kept = order[: max(known, 3)]
    result = align_classes(np.column_stack([by_name[n] for n in kept]), kept, list("abcde"))
    for i, name in enumerate("abcde"):
        assert (result[:, i] == (by_name[name] if name in kept else 0)).all()
