"""The estimators that are trained on :mod:`benchmarks.labelled`: features inside, scikit-learn's own parts only."""

from __future__ import annotations

from typing import Any

NUMBERS = [*(f"f{i:02d}" for i in range(13)), "i00"]
CATEGORIES = ["c00", "c01", "c02", "c03"]
FEATURES = [*NUMBERS, *CATEGORIES]
KEY, TARGET = "id", "y"


def boosted(seed: int = 0) -> Any:
    """Create an unfitted gradient boosting of 120 small trees on coded categories and numbers as they are."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("categories", codes, CATEGORIES), ("numbers", "passthrough", NUMBERS)])
    model = HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=120,
        max_leaf_nodes=12,
        min_samples_leaf=40,
        early_stopping=False,
        random_state=seed,
    )
    return Pipeline([("columns", columns), ("model", model)])


def linear(seed: int = 0) -> Any:
    """Create an unfitted logistic regression on imputed, scaled and one-hot encoded features."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    codes = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("numbers", numbers, NUMBERS), ("categories", codes, CATEGORIES)])
    return Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=1000, random_state=seed))])
