"""Model candidates, and the rows they are fitted and evaluated on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.metrics import Task, canonical_name, get_metric
from airflow_mlops.core.training.targets import check_target
from airflow_mlops.core.training.weights import compute_row_weights

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model configuration to fit.

    :param name: such as ``boosted``.
    :param build: returns the unfitted estimator; an import path or a callable, called with ``params`` as keywords.
    :param features: the input columns.
    :param target: the column to predict.
    :param metric: the metric that candidates are selected by; it determines the task.
    :param params: keywords of ``build``.
    :param trusted_types: project types that the model may contain.
    :param sample_weight: the column with the weights of the training rows.
    :param class_weight: ``balanced``, or class -> weight; converted to weights of the training rows.
    :param seed: passed to ``build`` when it accepts a ``seed`` or a ``random_state``.
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

    def __post_init__(self) -> None:
        """Replace an alias of the metric by its name."""
        object.__setattr__(self, "metric", canonical_name(self.metric))

    @property
    def task(self) -> Task:
        """The kind of target that the metric evaluates."""
        return get_metric(self.metric).task

    @property
    def columns(self) -> list[str]:
        """The columns used for fitting: features, target, weights."""
        weight = [] if self.sample_weight is None else [self.sample_weight]
        return list(dict.fromkeys([*self.features, self.target, *weight]))


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Rows for fitting.

    :param features: n feature rows.
    :param target: n targets.
    :param weights: n weights, or ``None``.
    """

    features: pd.DataFrame
    target: pd.Series[Any]
    weights: np.ndarray[Any, Any] | None = None


def read_labelled_rows(candidate: Candidate, snapshot: Snapshot) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Read features and target.

    :raises BadInput: when there are no rows, or targets are missing or invalid for the candidate's task.
    """
    frame = _read_frame(candidate, snapshot, [*candidate.features, candidate.target])
    target = frame.pop(candidate.target)
    check_target(target, candidate.task, where=snapshot_label(snapshot))
    return frame, target


def read_training_rows(candidate: Candidate, snapshot: Snapshot) -> TrainingRows:
    """Read features, target and weights.

    :raises BadInput: as :func:`read_labelled_rows`, and when a weight is missing, negative or not finite.
    """
    frame, where = _read_frame(candidate, snapshot, candidate.columns), snapshot_label(snapshot)
    target = frame[candidate.target]
    check_target(target, candidate.task, where=where)
    if candidate.class_weight is not None and candidate.task == "regression":
        raise BadInput(
            "class_weight requires a classification metric; the metric is for regression", hint="remove class_weight"
        )
    column_weights = None if candidate.sample_weight is None else frame[candidate.sample_weight]
    weights = compute_row_weights(target, column_weights, candidate.class_weight, where=where)
    return TrainingRows(frame[list(candidate.features)], target, weights)


def sample_labelled_rows(
    candidate: Candidate, snapshot: Snapshot, rows: int, seed: int = 0
) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Return a random sample of features and targets, drawn file by file to limit memory to the largest file.

    :param rows: the approximate sample size; all rows when there are fewer.
    """
    import pandas as pd

    fraction = min(1.0, rows / max(1, snapshot.ref.rows))
    columns = [*candidate.features, candidate.target]
    samples = [
        batch if fraction == 1 else batch.sample(frac=fraction, random_state=seed)
        for batch in snapshot.batches(columns)
    ]
    frame = pd.concat(samples, ignore_index=True).dropna(subset=[candidate.target])
    target = frame.pop(candidate.target)
    return frame, target


def snapshot_label(snapshot: Snapshot) -> str:
    """Return the name of a snapshot for error messages."""
    return f"{snapshot.ref.dataset} {snapshot.ref.partition or ''} ({snapshot.ref.id})"


def _read_frame(candidate: Candidate, snapshot: Snapshot, columns: Sequence[str]) -> pd.DataFrame:
    if candidate.target in candidate.features:
        raise BadInput(f"{candidate.target!r} is both the target and a feature", hint="remove it from the features")
    frame = snapshot.to_pandas(list(columns))
    if frame.empty:
        raise BadInput(
            "there are no rows", where=snapshot_label(snapshot), hint="check the split's fractions and the query"
        )
    return frame
