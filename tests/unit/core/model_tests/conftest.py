"""A small model that is healthy, and rows that it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.model_tests import ModelUnderTest

NUMBERS, WORDS = ["age", "fare"], ["town"]


def make_guests(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """``stays`` by ``age`` and ``town``; ``fare`` tells little; ``mood``: one of three; ``bill``: a number."""
    rng = np.random.default_rng(seed)
    age, fare = rng.normal(40, 12, rows), rng.gamma(2, 10, rows)
    town = rng.choice(["ash", "birch", "cedar"], rows)
    lean = 0.25 * (age - 40) + np.select([town == "ash", town == "birch"], [2.0, -2.0]) + 0.02 * (fare - 20)
    return pd.DataFrame(
        {
            "age": age,
            "fare": fare,
            "town": pd.array(town, dtype="str"),
            "stays": (rng.random(rows) < 1 / (1 + np.exp(-1.5 * lean))).astype("int64"),
            "mood": np.array(["low", "middle", "high"])[np.digitize(lean + rng.normal(0, 0.5, rows), [-1.5, 1.5])],
            "bill": 3 * lean + rng.normal(size=rows),
        }
    )


def pipeline(last: Any = None, encoder: Any = None) -> Pipeline:
    """An unfitted pipeline over the three features."""
    encoder = encoder or OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("words", encoder, WORDS)])
    return Pipeline([("columns", columns), ("model", LogisticRegression() if last is None else last)])


@pytest.fixture(scope="session")
def guests() -> Callable[..., pd.DataFrame]:
    return make_guests


@pytest.fixture(scope="session")
def build() -> Callable[..., Pipeline]:
    return pipeline


@pytest.fixture(scope="session")
def subject() -> Callable[..., ModelUnderTest]:
    """Give a subject of a model, by default a healthy one fitted on other rows."""

    def make(model: Any = None, metric: str = "roc_auc", target: str = "stays", **how: Any) -> ModelUnderTest:
        train, held = make_guests(600, 1), how.pop("held", None)
        held = make_guests() if held is None else held
        features = how.pop("features", [*NUMBERS, *WORDS])
        model = pipeline().fit(train[features], train[target]) if model is None else model
        return ModelUnderTest.from_model(model, held[features], held[target], metric=metric, **how)

    return make


@pytest.fixture(scope="session")
def check_of() -> Callable[[Report, str], Check]:
    def find(report: Report, name: str) -> Check:
        [found] = [check for check in report.checks if check.name == name]
        return found

    return find
