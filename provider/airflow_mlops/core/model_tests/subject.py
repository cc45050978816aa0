"""The model under test and its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.evaluation.gate_rows import encode_target
from airflow_mlops.core.evaluation.model_scoring import classes_of, predict_scores
from airflow_mlops.core.metrics import Array, Task
from airflow_mlops.core.metrics import get_metric as metric_of


@dataclass(frozen=True, slots=True, eq=False)
class ModelScorer:
    """A fitted model that scores hand-written inputs: the argument of a ``test_...`` function.

    :param model: the fitted model.
    :param rows: n raw feature rows, which it was not fitted on.
    :param target: their true values; 0 and 1 in a binary task, the class number in a multiclass one.
    :param task: the task of the model.
    :param classes: a multiclass task's classes, in the order of their numbers.
    """

    model: Any
    rows: pd.DataFrame
    target: Array
    task: Task
    classes: tuple[Any, ...] = ()

    def scores(self, rows: pd.DataFrame) -> Array:
        """Score feature rows: n probabilities of class 1, n x k probabilities, or n values.

        :raises BadInput: when the model fails.
        """
        return predict_scores(self.model, rows, self.task, self.classes)

    def score(self, inputs: Mapping[str, Any], target_class: Any = None) -> float:
        """Score one row.

        :param inputs: column -> value; other columns get their typical value (see :meth:`typical`).
        :param target_class: in a multiclass task the class whose probability to return.
        :raises BadInput: when a column or class is unknown, or the model fails.
        """
        [score] = self.scores(self.build_rows([inputs]))
        return float(score[self.class_number(target_class)] if self.task == "multiclass" else score)

    def class_number(self, target_class: Any) -> int:
        """Return the number of a class.

        :raises BadInput: when the model does not have it.
        """
        if target_class not in self.classes:
            raise BadInput(
                f"of={target_class!r} is not a class of the model", hint=f"use one of {list(self.classes)[:20]}"
            )
        return self.classes.index(target_class)

    def build_rows(self, inputs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Build feature rows from hand-written values, with the dtypes of the columns where the values fit.

        :raises BadInput: when a column is unknown.
        """
        if unknown := [name for row in inputs for name in row if name not in self.rows.columns]:
            raise BadInput(
                f"the model has no feature {unknown[0]!r}", hint=f"its features are {list(self.rows.columns)[:30]}"
            )
        typical = self.typical_values()
        columns = {
            name: build_column([row.get(name, typical[name]) for row in inputs], self.rows[name].dtype)
            for name in self.rows.columns
        }
        return pd.DataFrame(columns)

    def typical_values(self) -> dict[str, Any]:
        """Return the typical value of each column: the median of numbers, else the most frequent value or missing."""
        return {str(name): _typical_value(self.rows[name]) for name in self.rows.columns}


@dataclass(frozen=True, slots=True, eq=False)
class ModelUnderTest:
    """The model under test with its metadata.

    :param scorer: the model and the rows.
    :param metric: the main metric of the task.
    :param contract: the data contract of the rows.
    :param build: returns an unfitted model of the same kind; default: a clone of the model.
    :param trusted: types of the project that the model may contain.
    """

    scorer: ModelScorer
    metric: str
    contract: Contract | None = None
    build: Callable[[], Any] | None = None
    trusted: Sequence[str] = field(default=())

    @classmethod
    def from_model(
        cls,
        model: Any,
        features: pd.DataFrame,
        target: pd.Series[Any],
        *,
        metric: str,
        contract: Contract | None = None,
        build: Callable[[], Any] | None = None,
        trusted: Sequence[str] = (),
        where: str = "the rows",
    ) -> ModelUnderTest:
        """Build a subject from a fitted model and labelled rows.

        :param features: n raw feature rows, such as validation rows; never gate rows.
        :param target: n true values as stored.
        :param where: location for error messages.
        :raises BadInput: when there are no rows, or a target is missing or not valid for the metric's task.
        """
        if features.empty:
            raise BadInput("there are no rows to test the model with", where=where, hint="pass validation rows")
        resolved = metric_of(metric)
        task = resolved.task
        classes = tuple(classes_of(model)) if task == "multiclass" else ()
        truth = encode_target(target.reset_index(drop=True), task, classes, where)
        scorer = ModelScorer(model, features.reset_index(drop=True), truth, task, classes)
        return cls(scorer, resolved.name, contract, build, tuple(trusted))

    @property
    def rows(self) -> pd.DataFrame:
        """The feature rows."""
        return self.scorer.rows

    def build_unfitted(self) -> Any:
        """Return an unfitted model of the same kind, or ``None`` when the model cannot be cloned."""
        if self.build is not None:
            return self.build()
        from sklearn.base import clone

        try:
            return clone(self.scorer.model)
        except TypeError:  # not a scikit-learn estimator
            return None

    def training_target(self, rows: Array) -> Any:
        """Return the targets of some rows in the form that ``fit`` takes."""
        target = self.scorer.target[rows]
        if self.scorer.task == "multiclass":
            return pd.Series([self.scorer.classes[int(number)] for number in target])
        return pd.Series(target.astype(int) if self.scorer.task == "binary" else target)


def all_close(first: Array, second: Array, tolerance: float) -> bool:
    """Check whether scores are equal up to rounding; values missing in both are equal."""
    return first.shape == second.shape and bool(
        np.allclose(first, second, rtol=tolerance, atol=tolerance, equal_nan=True)
    )


def max_difference(first: Array, second: Array) -> float:
    """Return the largest difference of two score arrays of the same shape."""
    return float(np.max(np.abs(first - second), initial=0.0))


def build_column(values: Sequence[Any], dtype: Any) -> pd.Series[Any]:
    """Build a column of a dtype, or of an inferred one where the values do not fit; ``None`` is missing."""
    values = [float("nan") if value is None else value for value in values]  # as in snapshots
    try:
        column: pd.Series[Any] = pd.Series(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError):
        column = pd.Series(values)
    return column


def _typical_value(column: pd.Series[Any]) -> Any:
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        present = np.sort(column.dropna().to_numpy())
        # The lower median is an existing value, so codes stay valid codes.
        return present[(len(present) - 1) // 2] if len(present) else float("nan")
    counts = column.value_counts(dropna=False)
    return min(counts.index[counts == counts.max()], key=str)
