"""Five broken models, each caught by the test that is there for it; the healthy ones pass all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from airflow_mlops.common.report import Report
from airflow_mlops.core.model_tests import BUILT_IN, ModelUnderTest, run_model_tests

NUMBERS = ["age", "fare"]


class Swapped(ClassifierMixin, BaseEstimator):
    """Takes its columns by their place, and was fitted on them in another order."""

    def fit(self, features: pd.DataFrame, target: Any) -> Swapped:
        self.inner_ = LogisticRegression(max_iter=1000).fit(features[["fare", "age"]].to_numpy(), target)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, features: pd.DataFrame) -> Any:
        return self.inner_.predict_proba(features.to_numpy())

    def predict(self, features: pd.DataFrame) -> Any:
        return self.inner_.predict(features.to_numpy())


class Worded(LogisticRegression):
    """Gives its probabilities as text."""

    def predict_proba(self, features: pd.DataFrame) -> Any:
        return super().predict_proba(features).astype(str)


class Decided(LogisticRegression):
    """Gives its decision where a probability is asked for."""

    def predict_proba(self, features: pd.DataFrame) -> Any:
        return np.round(super().predict_proba(features)).astype(int)


class Doubled(LogisticRegression):
    """Gives more than all of a probability."""

    def predict_proba(self, features: pd.DataFrame) -> Any:
        return 2 * super().predict_proba(features)


class Lost(Ridge):
    """Gives no number for some rows."""

    def predict(self, features: pd.DataFrame) -> Any:
        found = super().predict(features)
        return np.where(found > np.median(found), found, np.nan) if len(found) > 1 else found


TRUSTED = [f"{__name__}.{kind.__name__}" for kind in (Swapped, Worded, Decided, Doubled, Lost)]


def failing(report: Report) -> list[str]:
    return [name for name, status in report.facts["tests"].items() if status == "fail"]


def leak(guests: Any, subject: Any, build: Any) -> ModelUnderTest:
    """One feature is the target, written down afterwards."""
    train, held = (rows.assign(refunded=rows["stays"] * 9.5 + 0.5) for rows in (guests(600, 1), guests()))
    features = [*NUMBERS, "refunded"]
    return subject(LogisticRegression(max_iter=1000).fit(train[features], train["stays"]), features=features, held=held)


def hidden_leak(guests: Any, subject: Any, build: Any) -> ModelUnderTest:
    """The target stands in a text of its own for each row, where only the model finds it."""
    from sklearn.feature_extraction.text import CountVectorizer

    def noted(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(note=[f"{'paid' if y else 'owes'} {n}" for n, y in enumerate(rows["stays"])])

    train, held = noted(guests(600, 1)), noted(guests())
    columns = ColumnTransformer(
        [("age", StandardScaler(), ["age"]), ("note", CountVectorizer(vocabulary=["paid"]), "note")]
    )
    model = Pipeline([("columns", columns), ("model", LogisticRegression(C=100))])
    return subject(model.fit(train, train["stays"]), features=["age", "note"], held=held)


def swapped(guests: Any, subject: Any, build: Any) -> ModelUnderTest:
    train = guests(600, 1)
    return subject(Swapped().fit(train[NUMBERS], train["stays"]), features=NUMBERS, trusted=TRUSTED)


def placed(guests: Any, subject: Any, build: Any) -> ModelUnderTest:
    """Fitted on a bare array: in this order it is right, and it does not notice any other."""
    train = guests(600, 1)
    return subject(LogisticRegression().fit(train[NUMBERS].to_numpy(), train["stays"]), features=NUMBERS)


def unfitted(guests: Any, subject: Any, build: Any) -> ModelUnderTest:
    train = guests(600, 1)
    model = build().fit(train, train["stays"])
    columns = model.named_steps["columns"]
    columns.transformers_ = [
        (name, OneHotEncoder() if name == "words" else part, names) for name, part, names in columns.transformers_
    ]
    return subject(model)


def constant(guests: Any, subject: Any, build: Any) -> ModelUnderTest:
    train = guests(600, 1)
    return subject(build(DummyClassifier()).fit(train, train["stays"]))


def constant_number(guests: Any, subject: Any, build: Any) -> ModelUnderTest:
    train = guests(600, 1)
    return subject(build(DummyRegressor()).fit(train, train["bill"]), "rmse", "bill")


def giving(kind: Any, target: str = "stays", metric: str = "roc_auc") -> Any:
    def make(guests: Any, subject: Any, build: Any) -> ModelUnderTest:
        train = guests(600, 1)
        return subject(build(kind()).fit(train, train[target]), metric, target, trusted=TRUSTED)

    make.__name__ = kind.__name__
    return make


@pytest.mark.parametrize(
    ("mutant", "caught_by", "beside"),
    [
        (leak, "no target proxy", set()),
        (hidden_leak, "no target proxy", set()),
        (placed, "columns by name", set()),
        (swapped, "columns by name", {"overfits a hundred rows"}),  # for it cannot find what it has learned
        (unfitted, "fitted", {"dtype"}),  # it cannot score, so there is nothing to look at
        (constant, "not constant", {"better than a constant", "overfits a hundred rows"}),
        (constant_number, "not constant", {"better than a constant", "overfits a hundred rows"}),
        (giving(Worded), "dtype", set()),
        (giving(Decided), "dtype", set()),
        (giving(Doubled), "dtype", None),
        (giving(Lost, "bill", "rmse"), "dtype", None),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_mutant_is_caught_by_the_test_that_is_there_for_it(
    mutant: Any, caught_by: str, beside: set[str] | None, guests: Any, subject: Any, build: Any
) -> None:
    report = run_model_tests(mutant(guests, subject, build), model_name="m v2", digest="d")
    found = failing(report)
    assert report.verdict == "fail"
    assert caught_by in found, report.summary(20)
    if beside is not None:
        assert set(found) - {caught_by} <= beside, report.summary(20)


@pytest.mark.parametrize(
    ("last", "metric", "target"),
    [
        (LogisticRegression(), "roc_auc", "stays"),
        (HistGradientBoostingClassifier(max_iter=30), "log_loss", "stays"),
        (LogisticRegression(), "log_loss_multiclass", "mood"),
        (Ridge(), "mae", "bill"),
        (RandomForestRegressor(20, random_state=0), "pinball_90", "bill"),
        (HistGradientBoostingClassifier(max_iter=30, min_samples_leaf=60), "calibration_error", "stays"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_healthy_model_passes_all(last: Any, metric: str, target: str, guests: Any, subject: Any, build: Any) -> None:
    train = guests(600, 1)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    tested = subject(build(last, encoder).fit(train, train[target]), metric, target)
    report = run_model_tests(tested, model_name="m v1", digest="d")
    assert report.verdict == "pass", report.summary(20)
    assert report.facts["tests"] == dict.fromkeys(BUILT_IN, "pass"), report.summary(20)
    assert (report.kind, report.subject, report.facts["digest"]) == ("self_test", "m v1", "d")
