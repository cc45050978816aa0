"""Candidate models: pipelines from raw feature columns to a probability.

Imported while DAG files are parsed: scikit-learn is imported inside the functions. Only scikit-learn's own
transformers are used, so that a fitted pipeline can be stored with skops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.churn.features import CATEGORICAL, NUMERIC

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def linear(seed: int = 0) -> Pipeline:
    """Return an unfitted logistic regression on imputed, scaled and one-hot encoded features.

    :param seed: the estimator's random state
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    # A missing category becomes its own column; an unknown category becomes all zeros.
    categories = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("numbers", numbers, NUMERIC), ("categories", categories, CATEGORICAL)])
    return Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=1000, random_state=seed))])


def boosted(seed: int = 0) -> Pipeline:
    """Return an unfitted gradient boosting on raw numbers and ordinal-encoded categories.

    :param seed: the estimator's random state
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    # Codes are split as numbers, which works for few values. The estimator's `categorical_features` would store a
    # functools.partial, which skops does not trust.
    categories = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("categories", categories, CATEGORICAL), ("numbers", "passthrough", NUMERIC)])
    model = HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=120,
        max_leaf_nodes=12,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    return Pipeline([("columns", columns), ("model", model)])
