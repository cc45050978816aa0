"""Model predictions, in the form used by metrics, evaluation and scoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def predict(model: Any, features: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return a model's predictions. A model with column names gets exactly these columns, in its own order.

    :param model: a fitted estimator: one with ``predict_proba`` is a classifier, any other predicts a number.
    :param features: n raw feature rows.
    :returns: floats: n probabilities of class 1 (two classes), n x k probabilities in the order of ``model.classes_``
        (k >= 3), or n values. They are not checked for finiteness; the gate does that.
    :raises BadInput: when a classifier gives no probabilities or has a single class, or the model does not return one
        number, or one probability per class, for each row.
    """
    features = _select_columns(model, features)
    if hasattr(model, "predict_proba"):
        return _positive_or_all(model, _to_floats(model.predict_proba(features), model, len(features)))
    if hasattr(model, "classes_"):
        raise BadInput(
            f"{type(model).__name__} predicts classes but no probabilities",
            hint="use a classifier with predict_proba, or wrap it in sklearn.calibration.CalibratedClassifierCV",
        )
    values = _to_floats(model.predict(features), model, len(features))
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise BadInput(f"{type(model).__name__} returned {values.shape[1]} values per row; expected one")
    return values


def columns_of(model: Any) -> list[str]:
    """Return the columns that a model was fitted on, in its order; empty when it has no column names."""
    names = getattr(model, "feature_names_in_", None)
    return [] if names is None else [str(name) for name in names]


def _select_columns(model: Any, features: pd.DataFrame) -> pd.DataFrame:
    """Return the model's columns; all columns where it has no names or one is missing, so that it raises itself."""
    columns = columns_of(model)
    if not columns or columns == list(features.columns) or not set(columns) <= set(features.columns):
        return features
    return features[columns]


def _to_floats(values: Any, model: Any, rows: int) -> np.ndarray[Any, Any]:
    """Return predictions as an array of floats.

    :raises BadInput: when they are not numbers, or their count differs from the number of rows.
    """
    import numpy as np

    try:
        predictions = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"{type(model).__name__} returned predictions that are not numbers: {str(error)[:200]}"
        ) from None
    if predictions.ndim not in (1, 2) or len(predictions) != rows:
        raise BadInput(f"{type(model).__name__} returned predictions of shape {predictions.shape} for {rows} rows")
    return predictions


def _positive_or_all(model: Any, probabilities: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the probability of class 1 for two classes, and all probabilities for more."""
    if probabilities.ndim != 2:
        raise BadInput(f"{type(model).__name__} returned one probability per row; expected one per class")
    classes = probabilities.shape[1]
    if classes < 2:
        raise BadInput(
            f"the classifier has {classes} class; expected at least 2",
            hint="check that the training rows have all classes",
        )
    return probabilities if classes > 2 else probabilities[:, _positive_column(model)]


def _positive_column(model: Any) -> int:
    """Return the column of class 1: the second, unless ``model.classes_`` says otherwise."""
    classes = list(getattr(model, "classes_", (0, 1)))
    return classes.index(1) if classes in ([0, 1], [1, 0]) else 1
