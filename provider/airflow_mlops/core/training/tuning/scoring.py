"""How good parameters are: fitted and judged step by step, so that a bad trial can be given up in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.metrics import metric
from airflow_mlops.core.training.candidate import Candidate, TrainingRows, labelled, said
from airflow_mlops.core.training.fit import fit_rows
from airflow_mlops.core.training.recorded import scores_for, truth_for
from airflow_mlops.core.training.tuning.folds import folds
from airflow_mlops.core.training.tuning.settings import Tuning

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Ground:
    """Rows to fit on, and rows to judge on.

    :param rows: to fit on.
    :param features: n rows to judge on.
    :param target: their targets.
    :param where: which rows, for errors.
    """

    rows: TrainingRows
    features: pd.DataFrame
    target: pd.Series[Any]
    where: str


class Judging:
    """How parameters are judged: by folds of the training rows, or on the validation rows.

    :param candidate: what is tuned, with the parameters that are fixed.
    :param rows: the training rows.
    :raises BadInput: when the rows are not what the task needs, or folds cannot be made.
    """

    def __init__(
        self, candidate: Candidate, tuning: Tuning, rows: TrainingRows, train: Snapshot, validation: Snapshot
    ) -> None:
        self.candidate, self.iterations = candidate, tuning.iterations
        self.grounds = _grounds(candidate, tuning, rows, train, validation)
        self.steps = len(tuning.iterations.steps) if tuning.iterations else tuning.folds or 1

    def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
        """Give the mean score so far after each step: a fold, or a number of iterations in all folds."""
        if self.iterations is None:
            yield from self._means(params)
            return
        for step in self.iterations.steps:
            *_, mean = self._means({**params, self.iterations.name: step})
            yield mean

    def _means(self, params: Mapping[str, Any]) -> Iterator[float]:
        found: list[float] = []
        for ground in self.grounds():
            found.append(_score(self.candidate, params, ground))
            yield sum(found) / len(found)


def _grounds(
    candidate: Candidate, tuning: Tuning, rows: TrainingRows, train: Snapshot, validation: Snapshot
) -> Callable[[], Iterator[Ground]]:
    """Give what makes the rows of each fold, one at a time: only one fold's copy of the rows is in memory."""
    if tuning.folds is None:
        ground = Ground(rows, *labelled(candidate, validation), said(validation))
        return lambda: iter([ground])
    columns = [tuning.time] if tuning.time else list(tuning.group)
    beside = train.to_pandas(columns) if columns else rows.features
    made = folds(tuning, rows.target, beside, candidate.task)

    def each() -> Iterator[Ground]:
        for number, fold in enumerate(made):
            weights = None if rows.weights is None else rows.weights[fold.fit]
            fitted = TrainingRows(rows.features.iloc[fold.fit], rows.target.iloc[fold.fit], weights)
            where = f"fold {number} of {said(train)}"
            yield Ground(fitted, rows.features.iloc[fold.judge], rows.target.iloc[fold.judge], where)

    return each


def _score(candidate: Candidate, params: Mapping[str, Any], ground: Ground) -> float:
    one = replace(candidate, params={**candidate.params, **params})
    model = fit_rows(one, ground.rows, where=ground.where)
    scores = scores_for(one.task, model, ground.features, name=one.name)
    return metric(one.metric).value(truth_for(one.task, model, ground.target, where=ground.where), scores)
