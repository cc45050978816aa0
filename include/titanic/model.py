"""Candidate models: pipelines from the columns of the CSV to a probability, and prediction with the champion.

Text features of name, ticket and cabin are extracted by scikit-learn's vectorizers inside the pipeline. So it can be
stored with skops, and training and serving are the same. No feature depends on other rows.

Imported while DAG files are parsed: scikit-learn is imported inside the functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.titanic.features import CATEGORICAL, NUMERIC

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import Pipeline

    from airflow_mlops.store.database import Database

CANDIDATES = ["include.titanic.model:linear", "include.titanic.model:boosted"]
TITLES = ["master", "miss", "mr", "mrs"]
DECKS = ["unknown", *"abcdefg"]
TICKETS = [*"123456789", "a", "c", "ca", "pc", "sc", "soton", "ston", "w"]


def linear(seed: int = 0) -> Pipeline:
    """Return an unfitted logistic regression in which class and sex interact.

    :param seed: the estimator's random state
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, PowerTransformer, StandardScaler

    median = SimpleImputer(strategy="median")
    age = [("impute", SimpleImputer(strategy="median", add_indicator=True)), ("scale", StandardScaler())]
    # Fares span three orders of magnitude.
    fare = [("impute", median), ("even", PowerTransformer())]
    # The effect is not monotonic: each number is a category, rare large ones are merged.
    family = [
        ("impute", median),
        ("one_hot", OneHotEncoder(min_frequency=10, handle_unknown="infrequent_if_exist")),
    ]
    # The effect of sex is smaller in the third class.
    rank = [
        ("one_hot", OneHotEncoder(handle_unknown="ignore")),
        ("both", PolynomialFeatures(2, interaction_only=True, include_bias=False)),
    ]
    columns = ColumnTransformer(
        [
            ("age", Pipeline(age), ["Age"]),
            ("fare", Pipeline(fare), ["Fare"]),
            ("family", Pipeline(family), ["SibSp", "Parch"]),
            ("rank", Pipeline(rank), ["Pclass", "Sex"]),
            ("port", OneHotEncoder(handle_unknown="ignore"), ["Embarked"]),
            *_text_features(),
        ]
    )
    return Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=2000, random_state=seed))])


def boosted(seed: int = 0) -> Pipeline:
    """Return an unfitted gradient boosting of small trees; each split uses a subset of the columns.

    :param seed: the estimator's random state
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    numbers = SimpleImputer(strategy="median", add_indicator=True)
    columns = ColumnTransformer(
        [("numbers", numbers, NUMERIC), ("codes", codes, CATEGORICAL), *_text_features()], sparse_threshold=0
    )
    model = HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=100,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        l2_regularization=5.0,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
    )
    return Pipeline([("columns", columns), ("model", model)])


def predict_survival(
    database: Database, tracking_uri: str, model: str, passenger: pd.DataFrame
) -> dict[str, Any] | None:
    """Predict the survival of one passenger with the champion.

    :param database: the lifecycle store with the ledger of champions
    :param tracking_uri: MLflow's tracking URI
    :param model: the model's name
    :param passenger: one row, as of :func:`include.titanic.features.passenger_row`
    :return: ``survives``, a probability, and ``version`` of the champion; None without a champion
    """
    from airflow_mlops.core.models.loading import load_version
    from airflow_mlops.core.models.prediction import predict
    from airflow_mlops.core.registry.history import champion_at

    champion = champion_at(database, model)
    if champion is None:
        return None
    [probability] = predict(load_version(champion, tracking_uri), passenger)
    return {"survives": float(probability), "version": champion.version}


def _text_features() -> list[tuple[str, Any, Any]]:
    """Return the text transformers of a ColumnTransformer: title, ticket prefix and deck.

    The vocabularies are fixed, so that a small or unusual file gives zeros instead of an error.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline

    # A vectorizer needs text without missing values, so missing cabins become "unknown".
    imputer = SimpleImputer(strategy="constant", fill_value="unknown").set_output(transform="pandas")
    letters = ColumnTransformer([("letter", _words(r"\b(unknown|[a-g])\d*\b", DECKS), "Cabin")])
    return [
        ("title", _words(r",\s*(?:the\s+)?(\w+)", TITLES), "Name"),
        ("ticket", _words(r"^([a-z]+|\d)", TICKETS), "Ticket"),
        ("deck", Pipeline([("named", imputer), ("letters", letters)]), ["Cabin"]),
    ]


def _words(pattern: str, vocabulary: list[str]) -> CountVectorizer:
    """Return a vectorizer that encodes which words of a vocabulary are in the text.

    :param pattern: pattern of a word, in lower case; its group is the word
    :param vocabulary: the words to encode
    """
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(token_pattern=pattern, vocabulary=vocabulary, binary=True)
