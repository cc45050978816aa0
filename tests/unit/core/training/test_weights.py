"""Weights reach the estimator, wherever in a pipeline it is, or an error says that it takes none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.weights import compute_row_weights, find_weight_keyword, fit_with_weights

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=60), "b": RNG.normal(size=60)})
Y = pd.Series((X["a"] + RNG.normal(size=60) > 0.5).astype(int), name="y")
W = RNG.uniform(0.1, 5, 60)


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=40))
def test_balanced_is_what_scikit_learn_means_by_it(classes: list[str]) -> None:
    found = compute_row_weights(pd.Series(classes, name="y"), None, "balanced", where="here")
    assert found == pytest.approx(compute_sample_weight("balanced", classes))


@pytest.mark.parametrize("mapping", [{0: 1, 1: 5}, {"0": 1, "1": 5.0}, {False: 1, True: "5"}])
@pytest.mark.parametrize("target", [[0, 1, 1], [0.0, 1.0, 1.0], [False, True, True]])
def test_classes_may_be_written_as_json_has_them(mapping: Any, target: list[Any]) -> None:
    found = compute_row_weights(pd.Series(target, name="y"), None, mapping, where="here")
    assert found is not None
    assert found.tolist() == [1, 5, 5]


def test_the_weights_of_a_column_and_of_the_classes_are_multiplied() -> None:
    found = compute_row_weights(pd.Series(["a", "b"], name="y"), pd.Series([2.0, 3.0]), {"a": 10, "b": 1}, where="here")
    assert found is not None
    assert found.tolist() == [20, 3]
    assert compute_row_weights(Y, None, None, where="here") is None


@pytest.mark.parametrize(
    ("column", "class_weight", "said"),
    [
        ([1.0, float("nan")], None, "1 weights 'w' are missing, infinite or negative, such as nan"),
        ([1.0, float("inf")], None, "such as inf"),
        ([1.0, -2.0], None, r"such as -2\.0"),
        ([0.0, 0.0], None, "all rows have the weight 0"),
        (["1", "2"], None, "not numbers"),
        (None, {"a": 1}, r"no weight for \['b'\]"),
        (None, {"a": 1, "b": "much"}, "is not a number"),
        (None, {"a": 1, "b": -1}, r"the invalid weight -1\.0"),
        (None, {"a": 0, "b": 0}, "all rows have the weight 0"),
        (None, "fair", "class_weight='fair' is not valid"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(column: Any, class_weight: Any, said: str) -> None:
    given = None if column is None else pd.Series(column, name="w")
    with pytest.raises(BadInput, match=said):
        compute_row_weights(pd.Series(["a", "b"], name="y"), given, class_weight, where="here")


NESTED = Pipeline([("outer", Pipeline([("scale", StandardScaler()), ("inner", LogisticRegression())]))])


@pytest.mark.parametrize(
    ("estimator", "keyword"),
    [
        (LogisticRegression(), "sample_weight"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "logisticregression__sample_weight"),
        (NESTED, "outer__inner__sample_weight"),
        (GridSearchCV(LogisticRegression(), {"C": [1.0]}), "sample_weight"),
        (GridSearchCV(make_pipeline(LogisticRegression()), {}), "logisticregression__sample_weight"),
        (TransformedTargetRegressor(LinearRegression()), "sample_weight"),
        (KNeighborsClassifier(), None),
        (make_pipeline(StandardScaler(), KNeighborsClassifier()), None),
        (GridSearchCV(KNeighborsClassifier(), {}), None),
    ],
    ids=lambda v: v if isinstance(v, str) else type(v).__name__,
)
def test_the_keyword_leads_to_the_estimator_that_takes_weights(estimator: Any, keyword: str | None) -> None:
    assert find_weight_keyword(estimator) == keyword


def test_a_weight_of_two_is_a_row_twice() -> None:
    weights = np.where(Y == 1, 2.0, 1.0)
    twice = pd.concat([X, X[Y == 1]]), pd.concat([Y, Y[Y == 1]])
    pipeline = Pipeline([("same", "passthrough"), ("model", LogisticRegression())])
    fit_with_weights(pipeline, X, Y, weights)
    assert pipeline["model"].coef_ == pytest.approx(LogisticRegression().fit(*twice).coef_, rel=1e-3)
    assert pipeline["model"].coef_ != pytest.approx(LogisticRegression().fit(X, Y).coef_, rel=1e-3)


def test_where_metadata_routing_is_on_the_pipeline_routes_as_it_was_told() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False))
        pipeline.steps.append(("model", LogisticRegression().set_fit_request(sample_weight=True)))
        fit_with_weights(pipeline, X, Y, W)
    scaled = StandardScaler().fit_transform(X)
    assert pipeline["model"].coef_ == pytest.approx(LogisticRegression().fit(scaled, Y, sample_weight=W).coef_)


def test_an_estimator_that_takes_no_weights_is_named() -> None:
    with pytest.raises(BadInput, match="KNeighborsClassifier does not accept sample_weight"):
        fit_with_weights(make_pipeline(StandardScaler(), KNeighborsClassifier()), X, Y, W)
    fit_with_weights(KNeighborsClassifier(), X, Y, None)


def test_weights_that_scikit_learn_would_only_half_use_are_an_error_not_a_warning() -> None:
    with pytest.raises(BadInput, match="only be used for the calibration"):
        fit_with_weights(CalibratedClassifierCV(KNeighborsClassifier(), cv=2), X, Y, W)
