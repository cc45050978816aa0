"""Models fitted with scikit-learn, one for each world."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from benchmarks.calibration.customers import LABEL, NAMES, NUMBERS, Floats, World

SCORE = "score"
MODELS: dict[World, str] = {"straight": "logistic", "curved": "boosting", "amounts": "regression"}
TREES = {"max_iter": 60, "max_leaf_nodes": 8, "min_samples_leaf": 100, "random_state": 0}


def fitted(world: World, rows: pl.DataFrame) -> Any:
    """Fit the world's model: a logistic regression where all is a sum, boosted trees where it is not.

    :param world: the world that the rows come from.
    :param rows: customers with labels, none of whom is to be judged later.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression

    model = {
        "straight": lambda: LogisticRegression(C=1e3, max_iter=500),
        "curved": lambda: HistGradientBoostingClassifier(**TREES),
        "amounts": lambda: HistGradientBoostingRegressor(**TREES),
    }[world]()
    return model.fit(inputs(world, rows), rows[LABEL].to_numpy())


def scored(world: World, model: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the model's scores: probabilities of a label 1, or amounts."""
    matrix = inputs(world, rows)
    scores = model.predict(matrix) if world == "amounts" else model.predict_proba(matrix)[:, 1]
    return rows.with_columns(pl.Series(SCORE, scores))


def inputs(world: World, rows: pl.DataFrame) -> Floats:
    """Return the model's matrix: as recorded for trees; of one size, and with logarithms, for what adds up.

    :return: shape (rows, inputs).
    """
    numbers = rows.select(NUMBERS).to_numpy()
    codes = {name: np.array([rows[name].to_numpy() == value for value in values]) for name, values in NAMES.items()}
    if world != "straight":
        return np.column_stack([numbers, *(code.argmax(axis=0) for code in codes.values())])
    age, income, tenure, visits, usage, noise = numbers.T
    alike = [
        (age - 45) / 12, 2 * np.log(np.maximum(income, 1.0) / 3_000), (tenure - 40) / 28, visits / 2, usage / 2 - 2.5,
        noise,
    ]  # fmt: skip
    return np.nan_to_num(np.column_stack([*alike, *(code for found in codes.values() for code in found[1:])]))
