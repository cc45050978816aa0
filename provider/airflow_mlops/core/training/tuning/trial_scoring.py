"""Scoring of trial parameters, step by step so that a bad trial can be pruned early."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.training.candidate import Candidate, TrainingRows, read_labelled_rows, snapshot_label
from airflow_mlops.core.training.fit import fit_rows
from airflow_mlops.core.training.run_recording import encode_for_metrics, predict_for_task
from airflow_mlops.core.training.tuning.folds import make_folds
from airflow_mlops.core.training.tuning.settings import Tuning

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class FoldData:
    """Rows to fit on, and rows to evaluate on.

    :param rows: the rows to fit on.
    :param features: n rows to evaluate on.
    :param target: their targets.
    :param where: the name of the rows, for error messages.
    """

    rows: TrainingRows
    features: pd.DataFrame
    target: pd.Series[Any]
    where: str


class TrialScorer:
    """Scores parameters by cross-validation on the training rows, or on the validation rows.

    :param candidate: the candidate to tune, with its fixed parameters.
    :param rows: the training rows.
    :raises BadInput: when the rows are invalid for the task, or folds cannot be made.
    """

    def __init__(
        self, candidate: Candidate, tuning: Tuning, rows: TrainingRows, train: Snapshot, validation: Snapshot
    ) -> None:
        self.candidate, self.iterations = candidate, tuning.iterations
        self.iterate_folds = _fold_factory(candidate, tuning, rows, train, validation)
        self.steps = len(tuning.iterations.steps) if tuning.iterations else tuning.folds or 1

    def scores(self, params: Mapping[str, Any]) -> Iterator[float]:
        """Yield the mean score so far after each step: a fold, or a number of iterations over all folds."""
        if self.iterations is None:
            yield from self._running_means(params)
            return
        for step in self.iterations.steps:
            *_, mean = self._running_means({**params, self.iterations.name: step})
            yield mean

    def _running_means(self, params: Mapping[str, Any]) -> Iterator[float]:
        fold_scores: list[float] = []
        for fold_data in self.iterate_folds():
            fold_scores.append(_score_fold(self.candidate, params, fold_data))
            yield sum(fold_scores) / len(fold_scores)


def _fold_factory(
    candidate: Candidate, tuning: Tuning, rows: TrainingRows, train: Snapshot, validation: Snapshot
) -> Callable[[], Iterator[FoldData]]:
    """Return an iterator factory over the folds; only one fold's copy of the rows is in memory at a time."""
    if tuning.folds is None:
        fold_data = FoldData(rows, *read_labelled_rows(candidate, validation), snapshot_label(validation))
        return lambda: iter([fold_data])
    columns = [tuning.time] if tuning.time else list(tuning.group)
    fold_columns = train.to_pandas(columns) if columns else rows.features
    all_folds = make_folds(tuning, rows.target, fold_columns, candidate.task)

    def iterate() -> Iterator[FoldData]:
        for number, fold in enumerate(all_folds):
            weights = None if rows.weights is None else rows.weights[fold.train]
            fit_part = TrainingRows(rows.features.iloc[fold.train], rows.target.iloc[fold.train], weights)
            where = f"fold {number} of {snapshot_label(train)}"
            yield FoldData(fit_part, rows.features.iloc[fold.test], rows.target.iloc[fold.test], where)

    return iterate


def _score_fold(candidate: Candidate, params: Mapping[str, Any], fold_data: FoldData) -> float:
    configured = replace(candidate, params={**candidate.params, **params})
    model = fit_rows(configured, fold_data.rows, where=fold_data.where)
    scores = predict_for_task(configured.task, model, fold_data.features, name=configured.name)
    return get_metric(configured.metric).value(
        encode_for_metrics(configured.task, model, fold_data.target, where=fold_data.where), scores
    )
