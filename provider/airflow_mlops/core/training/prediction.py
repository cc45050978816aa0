"""What a model predicts, in the form that metrics, evidence and scoring take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def predict(model: Any, features: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Score rows. A model that knows its columns gets these, in its own order, whatever columns there are beside them.

    :param model: a fitted estimator: one with ``predict_proba`` is a classifier, any other predicts a number.
    :param features: n raw feature rows.
    :returns: floats: n chances of the class 1 (two classes), n x k chances in the order of ``model.classes_`` (k from
        3 on), or n values. They are what the model gave: whether they are finite is the gate's question.
    :raises BadInput: when the model gives no chances, knows one class only, or gives something else than one number,
        or one chance a class, for each row.
    """
    features = _own(model, features)
    if hasattr(model, "predict_proba"):
        return _chances(model, _numbers(model.predict_proba(features), model, len(features)))
    if hasattr(model, "classes_"):
        raise BadInput(
            f"{type(model).__name__} predicts classes but no probabilities",
            mend="use a classifier with predict_proba, or wrap it in sklearn.calibration.CalibratedClassifierCV",
        )
    values = _numbers(model.predict(features), model, len(features))
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise BadInput(f"{type(model).__name__} gave {values.shape[1]} values for each row, not one")
    return values


def columns_of(model: Any) -> list[str]:
    """Give the columns that a model was fitted on, in its order; none when it does not know them."""
    known = getattr(model, "feature_names_in_", None)
    return [] if known is None else [str(name) for name in known]


def _own(model: Any, features: pd.DataFrame) -> pd.DataFrame:
    """Give the model's columns; all there are where it has no names for them, or one is not there: it will say so."""
    wanted = columns_of(model)
    if not wanted or wanted == list(features.columns) or not set(wanted) <= set(features.columns):
        return features
    return features[wanted]


def _numbers(given: Any, model: Any, rows: int) -> np.ndarray[Any, Any]:
    """Give predictions as an array of floats with a row for each row.

    :raises BadInput: when they are not numbers, or not as many as there are rows.
    """
    import numpy as np

    try:
        found = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{type(model).__name__} predicted something else than numbers: {str(error)[:200]}") from None
    if found.ndim not in (1, 2) or len(found) != rows:
        raise BadInput(f"{type(model).__name__} gave predictions of the shape {found.shape} for {rows} rows")
    return found


def _chances(model: Any, given: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Give the chance of class 1 where there are two classes, and all of them where there are more."""
    if given.ndim != 2:
        raise BadInput(f"{type(model).__name__} gave one probability for each row, not one for each class")
    known = given.shape[1]
    if known < 2:
        raise BadInput(
            f"the classifier knows {known} class, which tells nothing apart",
            mend="check that the training rows have all classes",
        )
    return given if known > 2 else given[:, _positive(model)]


def _positive(model: Any) -> int:
    """Say which of two columns is that of the class 1: the second, unless the model says otherwise."""
    classes = list(getattr(model, "classes_", (0, 1)))
    return classes.index(1) if classes in ([0, 1], [1, 0]) else 1
