"""Asking models for scores: what goes wrong in a model is told with its name and role."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.core.evaluation.rows import GateRows
from airflow_mlops.core.metrics import Array, Task
from airflow_mlops.core.training.prediction import predict

if TYPE_CHECKING:
    import pandas as pd

_MOST_SAID = 300


def scores_of(
    model: Any, features: pd.DataFrame, task: Task, classes: Sequence[Any] = (), *, called: str = "the model"
) -> Array:
    """Ask a model for the scores of rows.

    :param features: n raw feature rows.
    :param classes: a multiclass task's classes; a class that the model does not know gets the probability 0.
    :param called: its role, name and version, for the errors.
    :returns: n scores, or n x k probabilities. They may be not finite: that is told by those who judge them.
    :raises BadInput: when the model fails, or its scores are not of the task.
    """
    try:
        given = predict(model, features)
    except MemoryError:
        raise
    except Exception as error:  # a user's model may raise anything
        raise BadInput(
            f"{called} cannot score {len(features)} rows: {said(error)}",
            where=_raised_at(error),
            mend="try it on the same rows by hand; until it can score them, it is not judged",
        ) from error
    if task == "multiclass":
        return aligned(given, classes_of(model, called), classes, called)
    if given.ndim != 1:
        raise BadInput(
            f"{called} knows {given.shape[1]} classes, a {task} task has {'2' if task == 'binary' else 'none'}",
            mend="use a metric of several classes, such as log_loss_multiclass, or code the target 0 and 1",
        )
    return given


def classes_of(model: Any, called: str = "the model") -> list[Any]:
    """Give the classes that a model knows, sorted.

    :raises BadInput: when it does not say.
    """
    found = getattr(model, "classes_", None)
    if found is None:
        raise BadInput(f"{called} does not say which classes it knows", mend="give it the attribute classes_")
    known = [value.item() if hasattr(value, "item") else value for value in found]
    return known if len(known) != 2 or known != [1, 0] else [0, 1]


def aligned(scores: Array, known: Sequence[Any], classes: Sequence[Any], called: str = "the model") -> Array:
    """Bring a model's probabilities into the order of the task's classes.

    :param scores: n x (its classes), or n chances of the second of its two classes.
    :param known: its classes, in the order of the columns.
    :param classes: the task's k classes.
    :param called: what it is called, for the error.
    :returns: n x k probabilities; 0 for a class that it does not know.
    :raises BadInput: when it knows none of them.
    """
    if scores.ndim == 1:
        scores = np.column_stack([1 - scores, scores])
    columns = {name: scores[:, i] for i, name in enumerate(known)}
    if not columns.keys() & set(classes):  # it would look hopeless, and anything would look better
        raise BadInput(
            f"{called} knows none of the classes that are to be told apart",
            where=f"it knows {list(known)[:5]}, the classes are {list(classes)[:5]}",
            mend="write classes as they were when it was trained: 1 and '1' are two; other classes need another model",
        )
    return np.column_stack([columns.get(name, np.zeros(len(scores))) for name in classes])


def said(error: BaseException) -> str:
    """Say an error in one short line."""
    text = error.what if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}"
    line = " ".join(text.split())
    return line if len(line) <= _MOST_SAID else line[: _MOST_SAID - 1] + "…"


def _raised_at(error: BaseException) -> str | None:
    """Name the line that raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else None


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Gate rows with what each model said of them.

    :param rows: the rows.
    :param metric: the task's main figure.
    :param models: role (``challenger``, ``champion``) -> the fitted model.
    :param scores: role -> n scores, or n x k probabilities.
    :param called: role -> its role, name and version in words.
    :param seconds: role -> what scoring all rows in one batch took.
    """

    rows: GateRows
    metric: str
    models: Mapping[str, Any]
    scores: Mapping[str, Array]
    called: Mapping[str, str]
    seconds: Mapping[str, float]


def score(rows: GateRows, metric: str, models: Mapping[str, Any], called: Mapping[str, str]) -> Scored:
    """Score the gate rows with each model: the very same rows, in the same order.

    :raises BadInput: when a model fails; nothing is kept then.
    """
    scores, seconds = {}, {}
    for role, model in models.items():
        started = time.perf_counter()
        scores[role] = scores_of(model, rows.features, rows.task, rows.classes, called=called[role])
        seconds[role] = time.perf_counter() - started
    return Scored(rows, metric, models, scores, called, seconds)
