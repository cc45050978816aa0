"""The two candidate models, each a pipeline from the columns of the CSV to bikes an hour.

Demand is a count: both fit the logarithm of its mean by the Poisson deviance, so that no forecast is below 0. Only
scikit-learn's own parts are used, so that a fitted pipeline can be stored with skops.

Imported while DAG files are parsed: scikit-learn is imported inside the functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.bike_demand.features import FEATURES, NUMERIC

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def linear(seed: int = 0) -> Pipeline:
    """Make an unfitted Poisson regression, in which the clock goes round, another one on working days.

    :param seed: not used: the fit has no chance in it
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
            # The month is not among them: what is warm has been seen before summer has.
            ("weather", Pipeline(weather), NUMERIC),
            ("growth", "passthrough", ["yr"]),
        ]
    )
    model = PoissonRegressor(alpha=1e-3, solver="newton-cholesky")
    return Pipeline([("columns", columns), ("model", model)])


def boosted(seed: int = 0) -> Pipeline:
    """Make an unfitted gradient boosting of counts on the columns as they are.

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
    """Make waves of the hour, after whose last value comes the first again: others on working days.

    People ride to work at eight and at five, and on other days in the afternoon. Products of a sine and a cosine up to
    a degree are all waves of up to that frequency.
    """
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, PolynomialFeatures, StandardScaler

    angle = MinMaxScaler(feature_range=(0, 2 * np.pi * 23 / 24))
    rounds = [
        ("sine", FunctionTransformer(np.sin), [0]),
        ("cosine", FunctionTransformer(np.cos), [0]),
        ("working", "passthrough", [1]),
    ]
    return Pipeline(
        [
            ("angle", ColumnTransformer([("angle", angle, ["hr"]), ("working", "passthrough", ["workingday"])])),
            ("rounds", ColumnTransformer(rounds)),
            ("waves", PolynomialFeatures(7, include_bias=False)),
            ("scale", StandardScaler()),
        ]
    )
