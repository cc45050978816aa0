"""The two candidate models, each a pipeline from the columns of the CSV to a probability, and how to ask one.

What a name, a ticket and a cabin tell is read by scikit-learn's own vectorizers inside the pipeline, so it can
be stored with skops, and training and serving cannot differ. No feature looks at another row.

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
    """Make an unfitted logistic regression in which class and sex interact.

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
    # One relative is good, five are bad: each number is a category, the rare large ones together.
    family = [
        ("impute", median),
        ("one_hot", OneHotEncoder(min_frequency=10, handle_unknown="infrequent_if_exist")),
    ]
    # Sex counts for less in the third class.
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
            *_told_by_text(),
        ]
    )
    return Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=2000, random_state=seed))])


def boosted(seed: int = 0) -> Pipeline:
    """Make an unfitted gradient boosting of small trees; each split sees a part of the columns.

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
        [("numbers", numbers, NUMERIC), ("codes", codes, CATEGORICAL), *_told_by_text()], sparse_threshold=0
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


def survival(database: Database, tracking_uri: str, model: str, passenger: pd.DataFrame) -> dict[str, Any] | None:
    """Ask the champion about one passenger.

    :param database: the lifecycle store, whose ledger says who is champion
    :param tracking_uri: MLflow's, where the champion's files are
    :param model: the model's name
    :param passenger: one row, as of :func:`include.titanic.features.passenger`
    :return: ``survives``, a probability, and ``version``, whose it is; None when there is no champion
    """
    from airflow_mlops.core.registry.history import champion_at
    from airflow_mlops.core.registry.loading import load_version
    from airflow_mlops.core.training.prediction import predict

    champion = champion_at(database, model)
    if champion is None:
        return None
    [chance] = predict(load_version(champion, tracking_uri), passenger)
    return {"survives": float(chance), "version": champion.version}


def _told_by_text() -> list[tuple[str, Any, Any]]:
    """What is read out of text, for a ColumnTransformer: the title, the first of the ticket, the decks.

    The vocabularies are fixed, so that a small or strange file leaves zeros, not an error.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline

    # A vectorizer takes a column of plain text, so missing cabins get a name, in a frame that it can pick
    # from.
    named = SimpleImputer(strategy="constant", fill_value="unknown").set_output(transform="pandas")
    letters = ColumnTransformer([("letter", _words(r"\b(unknown|[a-g])\d*\b", DECKS), "Cabin")])
    return [
        ("title", _words(r",\s*(?:the\s+)?(\w+)", TITLES), "Name"),
        ("ticket", _words(r"^([a-z]+|\d)", TICKETS), "Ticket"),
        ("deck", Pipeline([("named", named), ("letters", letters)]), ["Cabin"]),
    ]


def _words(pattern: str, vocabulary: list[str]) -> CountVectorizer:
    """Say for each of some words whether it is in the text.

    :param pattern: what a word is, in lower case; its group is the word
    :param vocabulary: the words that count
    """
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(token_pattern=pattern, vocabulary=vocabulary, binary=True)
