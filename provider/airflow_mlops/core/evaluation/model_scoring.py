"""Scoring of rows with models; errors name the model and its role."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.core.evaluation.gate_rows import GateRows
from airflow_mlops.core.metrics import Array, Task
from airflow_mlops.core.models.prediction import predict

if TYPE_CHECKING:
    import pandas as pd

_MAX_MESSAGE_LENGTH = 300


def predict_scores(
    model: Any, features: pd.DataFrame, task: Task, classes: Sequence[Any] = (), *, label: str = "the model"
) -> Array:
    """Compute the scores of a model on rows.

    :param features: n raw feature rows.
    :param classes: a multiclass task's classes; a class that the model does not support gets the probability 0.
    :param label: its role, name and version, for error messages.
    :returns: n scores, or n x k probabilities; they may be non-finite, which the callers check.
    :raises BadInput: when the model fails, or its scores do not fit the task.
    """
    try:
        scores = predict(model, features)
    except MemoryError:
        raise
    except Exception as error:  # a user's model may raise anything
        raise BadInput(
            f"{label} cannot score {len(features)} rows: {summarise_error(error)}",
            where=_raised_at(error),
            hint="call predict on the same rows by hand; the model cannot be evaluated until it can score them",
        ) from error
    if task == "multiclass":
        return align_classes(scores, classes_of(model, label), classes, label)
    if scores.ndim != 1:
        raise BadInput(
            f"{label} predicts {scores.shape[1]} classes, a {task} task has {'2' if task == 'binary' else 'none'}",
            hint="use a multiclass metric, such as log_loss_multiclass, or encode the target as 0 and 1",
        )
    return scores


def classes_of(model: Any, label: str = "the model") -> list[Any]:
    """Return the classes of a model, sorted.

    :raises BadInput: when it has no attribute ``classes_``.
    """
    values = getattr(model, "classes_", None)
    if values is None:
        raise BadInput(f"{label} has no attribute classes_", hint="set classes_ to its class labels")
    classes = [value.item() if hasattr(value, "item") else value for value in values]
    return classes if len(classes) != 2 or classes != [1, 0] else [0, 1]


def align_classes(
    scores: Array, model_classes: Sequence[Any], classes: Sequence[Any], label: str = "the model"
) -> Array:
    """Reorder a model's probabilities to the task's classes.

    :param scores: n x (its classes), or n probabilities of the second of its two classes.
    :param model_classes: its classes, in the order of the columns.
    :param classes: the task's k classes.
    :param label: its role, name and version, for error messages.
    :returns: n x k probabilities; 0 for a class that the model does not support.
    :raises BadInput: when it supports none of them.
    """
    if scores.ndim == 1:
        scores = np.column_stack([1 - scores, scores])
    columns = {name: scores[:, i] for i, name in enumerate(model_classes)}
    if not columns.keys() & set(classes):  # all scores would be 0, and any challenger would beat it
        raise BadInput(
            f"{label} supports none of the classes of the task",
            where=f"its classes are {list(model_classes)[:5]}, those of the task {list(classes)[:5]}",
            hint="encode classes as in training (1 and '1' differ), or train a model for these classes",
        )
    return np.column_stack([columns.get(name, np.zeros(len(scores))) for name in classes])


def summarise_error(error: BaseException) -> str:
    """Format an error as one short line."""
    text = error.what if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}"
    line = " ".join(text.split())
    return line if len(line) <= _MAX_MESSAGE_LENGTH else line[: _MAX_MESSAGE_LENGTH - 1] + "…"


def _raised_at(error: BaseException) -> str | None:
    """Return the location that raised an error."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else None


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Gate rows with the scores of each model.

    :param rows: the rows.
    :param metric: the main metric of the task.
    :param models: role (``challenger``, ``champion``) -> the fitted model.
    :param scores: role -> n scores, or n x k probabilities.
    :param labels: role -> its role, name and version as text.
    :param seconds: role -> the time that scoring all rows in one batch took.
    """

    rows: GateRows
    metric: str
    models: Mapping[str, Any]
    scores: Mapping[str, Array]
    labels: Mapping[str, str]
    seconds: Mapping[str, float]


def score_rows(rows: GateRows, metric: str, models: Mapping[str, Any], labels: Mapping[str, str]) -> ScoredRows:
    """Score the same gate rows, in the same order, with each model.

    :raises BadInput: when a model fails.
    """
    scores, seconds = {}, {}
    for role, model in models.items():
        started = time.perf_counter()
        scores[role] = predict_scores(model, rows.features, rows.task, rows.classes, label=labels[role])
        seconds[role] = time.perf_counter() - started
    return ScoredRows(rows, metric, models, scores, labels, seconds)
