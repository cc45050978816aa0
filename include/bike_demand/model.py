"""Candidate models: pipelines from the columns of the CSV to rentals per hour.

Both fit the logarithm of the mean by the Poisson deviance, so no forecast is negative. Only scikit-learn's own
transformers are used, so that a fitted pipeline can be stored with skops.

Imported while DAG files are parsed: scikit-learn is imported inside the functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.bike_demand.features import FEATURES, NUMERIC

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def linear(seed: int = 0) -> Pipeline:
    """Return an unfitted Poisson regression with a periodic daily profile, separate for working days.

    :param seed: not used: the fit is deterministic
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import PoissonRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

    weather = [("curved", PolynomialFeatures(2, include_bias=False)), ("scale", StandardScaler())]
    columns = ColumnTransformer(
        [
            ("hours", _hours(), ["hr", "workingday"]),
            ("codes", OneHotEncoder(handle_unknown="ignore"), ["weekday", "holiday", "weathersit"]),
            # Without the month: temperature generalises to months that are not in the training data.
            ("weather", Pipeline(weather), NUMERIC),
            ("growth", "passthrough", ["yr"]),
        ]
    )
    model = PoissonRegressor(alpha=1e-3, solver="newton-cholesky")
    return Pipeline([("columns", columns), ("model", model)])


def boosted(seed: int = 0) -> Pipeline:
    """Return an unfitted gradient boosting of counts on the raw columns.

    :param seed: the estimator's random state
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline

    model = HistGradientBoostingRegressor(
        loss="poisson",
        learning_rate=0.06,
        max_iter=300,
        max_leaf_nodes=31,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    return Pipeline([("columns", ColumnTransformer([("all", "passthrough", FEATURES)])), ("model", model)])


def _hours() -> Pipeline:
    """Return periodic features of the hour, separate for working days.

    Products of a sine and a cosine up to a degree span all waves of up to that frequency.
    """
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, PolynomialFeatures, StandardScaler

    angle = MinMaxScaler(feature_range=(0, 2 * np.pi * 23 / 24))
    circle = [
        ("sine", FunctionTransformer(np.sin), [0]),
        ("cosine", FunctionTransformer(np.cos), [0]),
        ("working", "passthrough", [1]),
    ]
    return Pipeline(
        [
            ("angle", ColumnTransformer([("angle", angle, ["hr"]), ("working", "passthrough", ["workingday"])])),
            ("rounds", ColumnTransformer(circle)),
            ("waves", PolynomialFeatures(7, include_bias=False)),
            ("scale", StandardScaler()),
        ]
    )
