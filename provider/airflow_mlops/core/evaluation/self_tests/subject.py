"""The model that is tested, and the rows that it is tested with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation.rows import encoded
from airflow_mlops.core.evaluation.scoring import classes_of, scores_of
from airflow_mlops.core.metrics import Array, Task
from airflow_mlops.core.metrics import metric as metric_of


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """A fitted model that can be asked by inputs written by hand. This is what a ``test_...`` function gets.

    :param model: the fitted model itself.
    :param rows: n raw feature rows, which it was not fitted on.
    :param target: their true values; 0 and 1 in a binary task, the class's number in a multiclass one.
    :param task: what kind of target it predicts.
    :param classes: a multiclass task's classes, in the order of their numbers.
    """

    model: Any
    rows: pd.DataFrame
    target: Array
    task: Task
    classes: tuple[Any, ...] = ()

    def scores(self, rows: pd.DataFrame) -> Array:
        """Score feature rows: n chances of class 1, n x k chances, or n values.

        :raises BadInput: when the model fails.
        """
        return scores_of(self.model, rows, self.task, self.classes)

    def score(self, inputs: Mapping[str, Any], of: Any = None) -> float:
        """Score one row.

        :param inputs: column -> value; a column that is not named gets its typical value, as :meth:`typical` gives it.
        :param of: in a multiclass task the class whose chance is meant.
        :raises BadInput: when a column or class is unknown, or the model fails.
        """
        [score] = self.scores(self.frame([inputs]))
        return float(score[self.number_of(of)] if self.task == "multiclass" else score)

    def number_of(self, of: Any) -> int:
        """Give the number of a class.

        :raises BadInput: when the model does not know it.
        """
        if of not in self.classes:
            raise BadInput(f"of={of!r} is no class of the model", mend=f"it knows {list(self.classes)[:20]}")
        return self.classes.index(of)

    def frame(self, inputs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Give feature rows of values written by hand, in the columns' own types where the values allow it.

        :raises BadInput: when there is no column of a name.
        """
        if unknown := [name for one in inputs for name in one if name not in self.rows.columns]:
            raise BadInput(
                f"the model has no feature {unknown[0]!r}", mend=f"its features are {list(self.rows.columns)[:30]}"
            )
        usual = self.typical()
        columns = {
            name: as_column([one.get(name, usual[name]) for one in inputs], self.rows[name].dtype)
            for name in self.rows.columns
        }
        return pd.DataFrame(columns)

    def typical(self) -> dict[str, Any]:
        """Give each column's usual value: a number's median, else the most frequent, which may be 'missing'."""
        return {str(name): _usual(self.rows[name]) for name in self.rows.columns}


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is tested, and what is known of it.

    :param scorer: the model and the rows.
    :param metric: the task's main figure.
    :param contract: what the rows promise.
    :param build: gives an unfitted model of the same kind; without it, the model is copied without its fit.
    :param trusted: the project's own types that the model may contain.
    """

    scorer: Scorer
    metric: str
    contract: Contract | None = None
    build: Callable[[], Any] | None = None
    trusted: Sequence[str] = field(default=())

    @classmethod
    def of(
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
    ) -> Subject:
        """Make a subject of a fitted model and labelled rows.

        :param features: n raw feature rows, such as validation rows; never gate rows.
        :param target: n true values as they stand in the rows.
        :param where: what the rows are called, for the errors.
        :raises BadInput: when there are no rows, or a target is missing or not of the metric's task.
        """
        if features.empty:
            raise BadInput("there are no rows to test a model with", where=where, mend="give validation rows")
        task = metric_of(metric).task
        classes = tuple(classes_of(model)) if task == "multiclass" else ()
        truth = encoded(target.reset_index(drop=True), task, classes, where)
        scorer = Scorer(model, features.reset_index(drop=True), truth, task, classes)
        return cls(scorer, metric, contract, build, tuple(trusted))

    @property
    def rows(self) -> pd.DataFrame:
        """The feature rows."""
        return self.scorer.rows

    def fresh(self) -> Any:
        """Give an unfitted model of the same kind; ``None`` where there is no way to make one."""
        if self.build is not None:
            return self.build()
        from sklearn.base import clone

        try:
            return clone(self.scorer.model)
        except TypeError:  # no estimator of scikit-learn's kind
            return None

    def labels(self, rows: Array) -> Any:
        """Give the targets of some rows, as a model is fitted with them."""
        chosen = self.scorer.target[rows]
        if self.scorer.task == "multiclass":
            return pd.Series([self.scorer.classes[int(number)] for number in chosen])
        return pd.Series(chosen.astype(int) if self.scorer.task == "binary" else chosen)


def alike(first: Array, second: Array, tolerance: float) -> bool:
    """Say whether scores are the same but for rounding; what is missing in both is the same."""
    return first.shape == second.shape and bool(
        np.allclose(first, second, rtol=tolerance, atol=tolerance, equal_nan=True)
    )


def distance(first: Array, second: Array) -> float:
    """Give the largest difference of two sets of scores of one shape."""
    return float(np.max(np.abs(first - second), initial=0.0))


def as_column(values: Sequence[Any], dtype: Any) -> pd.Series[Any]:
    """Make a column of a type, or of what the values are where they do not fit it; ``None`` is missing."""
    values = [float("nan") if value is None else value for value in values]  # as snapshots give it
    try:
        found: pd.Series[Any] = pd.Series(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError):
        found = pd.Series(values)
    return found


def _usual(column: pd.Series[Any]) -> Any:
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        known = np.sort(column.dropna().to_numpy())
        return known[(len(known) - 1) // 2] if len(known) else float("nan")  # a value that is there: codes stay codes
    counts = column.value_counts(dropna=False)
    most = counts.index[counts == counts.max()]
    return min(most, key=str)
