"""What is to be fitted, and the rows that it is fitted and judged on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import Task, metric
from airflow_mlops.core.training.targets import check_target
from airflow_mlops.core.training.weights import row_weights

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be fitted.

    :param name: such as ``boosted``.
    :param build: gives the unfitted estimator; an import path or a callable; gets ``params`` as keywords.
    :param features: the columns it gets.
    :param target: the column it predicts.
    :param metric: the figure that candidates are chosen by; it fixes the task.
    :param params: keywords of ``build``.
    :param trusted_types: the project's own types that the model may contain.
    :param sample_weight: the column with the weights of the training rows.
    :param class_weight: ``balanced``, or class -> weight; becomes weights of the training rows.
    :param seed: given to ``build`` when it takes a ``seed`` or a ``random_state``.
    """

    name: str
    build: str | Callable[..., Any]
    features: Sequence[str]
    target: str
    metric: str = "roc_auc"
    params: Mapping[str, Any] = field(default_factory=dict)
    trusted_types: Sequence[str] = ()
    sample_weight: str | None = None
    class_weight: str | Mapping[Any, float] | None = None
    seed: int | None = None

    @property
    def task(self) -> Task:
        """What kind of target its metric judges."""
        return metric(self.metric).task

    @property
    def columns(self) -> list[str]:
        """The columns that it is fitted with: features, target, weights."""
        weight = [] if self.sample_weight is None else [self.sample_weight]
        return list(dict.fromkeys([*self.features, self.target, *weight]))


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Rows to fit on.

    :param features: n feature rows.
    :param target: n targets.
    :param weights: n weights, or ``None``.
    """

    features: pd.DataFrame
    target: pd.Series[Any]
    weights: np.ndarray[Any, Any] | None = None


def labelled(candidate: Candidate, snapshot: Snapshot) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Read features and target.

    :raises BadInput: when there are no rows, targets are missing, or they are not what the candidate's task needs.
    """
    frame = _read(candidate, snapshot, [*candidate.features, candidate.target])
    target = frame.pop(candidate.target)
    check_target(target, candidate.task, where=said(snapshot))
    return frame, target


def training_rows(candidate: Candidate, snapshot: Snapshot) -> TrainingRows:
    """Read features, target and weights.

    :raises BadInput: as :func:`labelled`, and when a weight is missing, negative or not finite.
    """
    frame, where = _read(candidate, snapshot, candidate.columns), said(snapshot)
    target = frame[candidate.target]
    check_target(target, candidate.task, where=where)
    if candidate.class_weight is not None and candidate.task == "regression":
        raise BadInput("class_weight is for classes, and the metric is one of regression", mend="leave it out")
    given = None if candidate.sample_weight is None else frame[candidate.sample_weight]
    weights = row_weights(target, given, candidate.class_weight, where=where)
    return TrainingRows(frame[list(candidate.features)], target, weights)


def sampled(candidate: Candidate, snapshot: Snapshot, rows: int, seed: int = 0) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Draw features and targets of some rows at random, file by file: the memory needed is that of the largest.

    :param rows: about how many; all when there are not more.
    """
    import pandas as pd

    share = min(1.0, rows / max(1, snapshot.ref.rows))
    columns = [*candidate.features, candidate.target]
    drawn = [
        batch if share == 1 else batch.sample(frac=share, random_state=seed) for batch in snapshot.batches(columns)
    ]
    frame = pd.concat(drawn, ignore_index=True).dropna(subset=[candidate.target])
    target = frame.pop(candidate.target)
    return frame, target


def said(snapshot: Snapshot) -> str:
    """Say which rows an error is about."""
    return f"{snapshot.ref.dataset} {snapshot.ref.partition or ''} ({snapshot.ref.id})"


def _read(candidate: Candidate, snapshot: Snapshot, columns: Sequence[str]) -> pd.DataFrame:
    if candidate.target in candidate.features:
        raise BadInput(f"{candidate.target!r} is the target and a feature, too", mend="take it out of the features")
    frame = snapshot.to_pandas(list(columns))
    if frame.empty:
        raise BadInput("no rows", where=said(snapshot), mend="check the split's shares and the query")
    return frame
