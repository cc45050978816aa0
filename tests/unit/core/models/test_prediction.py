"""Whatever a model is, its predictions come as numbers of one form, or an error says what they are instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.models.prediction import predict

X = pd.DataFrame({"a": np.linspace(0, 1, 40), "b": np.linspace(1, 0, 40) ** 2})
Y = pd.Series([0, 1] * 20)


class Gives:
    """A model that gives what it is told to."""

    def __init__(self, outputs: Any, classes: list[Any] | None = None) -> None:
        self.outputs = outputs
        if classes is not None:
            self.classes_ = classes

    def predict(self, features: pd.DataFrame) -> Any:
        return self.outputs


class GivesChances(Gives):
    def predict_proba(self, features: pd.DataFrame) -> Any:
        return self.outputs


def test_a_regressor_gives_its_values_and_a_classifier_the_chance_of_class_1() -> None:
    regressor = LinearRegression().fit(X, X["a"])
    assert predict(regressor, X) == pytest.approx(X["a"])
    classifier = LogisticRegression().fit(X, Y)
    assert predict(classifier, X) == pytest.approx(classifier.predict_proba(X)[:, 1])


def test_a_model_gets_its_own_columns_in_its_own_order_whatever_stands_beside_them() -> None:
    for model in (LogisticRegression().fit(X, Y), LinearRegression().fit(X, X["a"])):
        wide = X[["b", "a"]].assign(c="text")
        assert predict(model, wide).tolist() == predict(model, X).tolist()


def test_a_model_that_misses_a_column_says_which() -> None:
    with pytest.raises(ValueError, match="missing:\n- b"):
        predict(LinearRegression().fit(X, X["a"]), X[["a"]].assign(c=1.0))


def test_a_classifier_of_text_classes_gives_a_chance_for_each_in_their_order() -> None:
    target = pd.Series(["low", "mid", "high", "mid"] * 10)
    model = LogisticRegression().fit(X, target)
    assert list(model.classes_) == ["high", "low", "mid"]
    assert predict(model, X).tolist() == model.predict_proba(X).tolist()


@pytest.mark.parametrize(("classes", "column"), [([0, 1], 1), ([1, 0], 0), (["no", "yes"], 1), ([1, 2], 1), (None, 1)])
def test_the_chance_is_that_of_class_1_wherever_the_model_has_it(classes: Any, column: int) -> None:
    chances = np.column_stack([np.linspace(0, 1, 40), 1 - np.linspace(0, 1, 40)])
    assert predict(GivesChances(chances, classes), X).tolist() == chances[:, column].tolist()


@pytest.mark.parametrize("outputs", [[[1.5]] * 40, [1.5] * 40, np.full(40, 1.5, np.float32), pd.Series([1.5] * 40)])
def test_values_come_as_one_row_of_floats_however_the_model_gives_them(outputs: Any) -> None:
    given = predict(Gives(outputs), X)
    assert (given.dtype, given.tolist()) == (np.float64, [1.5] * 40)


def test_what_is_not_finite_is_left_for_the_gate_to_see() -> None:
    assert np.isnan(predict(Gives([float("nan")] * 40), X)).all()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (GivesChances([[1.0]] * 40), "has 1 class"),
        (GivesChances([0.5] * 40), "one probability per row; expected one per class"),
        (Gives([[1.0, 2.0]] * 40), "returned 2 values per row"),
        (Gives(["yes"] * 40), "predictions that are not numbers"),
        (Gives([1.0] * 39), r"shape \(39,\) for 40 rows"),
        (Gives(None), "predictions of shape|predictions that are not numbers"),
        (LinearSVC().fit(X, Y), "LinearSVC predicts classes but no probabilities"),
    ],
)
def test_predictions_of_another_form_are_refused_in_words(model: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        predict(model, X)


def test_a_dummy_is_a_regressor_too() -> None:
    assert predict(DummyRegressor().fit(X, X["a"]), X) == pytest.approx(np.full(40, X["a"].mean()))
