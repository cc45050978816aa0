"""Fitting of one candidate inside an MLflow run, and selection of the best candidate."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.imports import resolve_callable
from airflow_mlops.common.refs import RunRef
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.training.candidate import (
    Candidate,
    TrainingRows,
    read_labelled_rows,
    read_training_rows,
    snapshot_label,
)
from airflow_mlops.core.training.progress import heartbeat
from airflow_mlops.core.training.run_recording import MODEL_ARTIFACT, FittedModel, TrainingJob, record_training_run
from airflow_mlops.core.training.targets import check_classes
from airflow_mlops.core.training.usage import ResourceUsage, measure_usage
from airflow_mlops.core.training.weights import fit_with_weights
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = [
    "MODEL_ARTIFACT",
    "Candidate",
    "TrainingJob",
    "TrainingRows",
    "build_estimator",
    "fit",
    "fit_rows",
    "read_labelled_rows",
    "select_challenger",
    "train",
]

log = logging.getLogger(__name__)


def train(client: MlflowClient, database: Database, candidate: Candidate, job: TrainingJob) -> RunRef:
    """Fit a candidate in its own MLflow run, once per key.

    A retry returns the run of the attempt that finished, and closes the run of a killed attempt.

    :raises BadInput: when a column is missing, there are no rows, or the target is invalid for the task.
    """
    return record_training_run(client, database, candidate, job, lambda _: FittedModel(*_fit(candidate, job.train)))


def fit(candidate: Candidate, snapshot: Snapshot) -> tuple[Any, float]:
    """Fit a candidate on all rows of a snapshot.

    :returns: the fitted estimator, and the fitting time in seconds.
    """
    model, usage = _fit(candidate, snapshot)
    return model, usage.seconds


def fit_rows(candidate: Candidate, rows: TrainingRows, *, where: str = "the training rows") -> Any:
    """Fit a candidate on rows in memory and return the fitted estimator.

    :raises BadInput: when the estimator cannot be built, does not support the given weights, or the training rows
        have too few classes.
    """
    if candidate.task == "multiclass":
        check_classes(rows.target, where=where)
    estimator = build_estimator(candidate)
    fit_with_weights(estimator, rows.features, rows.target, rows.weights)
    return estimator


def build_estimator(candidate: Candidate) -> Any:
    """Build the unfitted estimator, with the candidate's seed where ``build`` accepts one.

    :raises BadInput: when ``build`` rejects the keywords, or does not return an estimator.
    """
    build = resolve_callable(candidate.build)
    keywords = {**_seed(build, candidate), **candidate.params}
    try:
        inspect.signature(build).bind(**keywords)
    except ValueError:  # a callable without an introspectable signature
        pass
    except TypeError as error:
        raise BadInput(
            f"cannot build {candidate.name}: {error}",
            where=str(candidate.build),
            hint=f"build accepts {_keywords(build)}",
        ) from None
    estimator = build(**keywords)
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise BadInput(
            f"{candidate.name} is not an estimator: build returned {estimator!r}"[:200],
            where=str(candidate.build),
            hint="return an unfitted estimator, such as a scikit-learn Pipeline",
        )
    return estimator


def select_challenger(candidates: Sequence[RunRef]) -> RunRef:
    """Return the challenger: the best candidate by the metric on validation rows; the first among equals.

    :raises BadInput: when there are no candidates, their metrics differ, or no score is finite.
    """
    import math

    if not candidates:
        raise BadInput("no candidate was trained", hint="check the mapped training tasks: all failed or were skipped")
    names = {c.metric for c in candidates}
    if len(names) != 1:
        raise BadInput(f"candidates were evaluated with different metrics: {sorted(names)}")
    chosen = get_metric(names.pop())
    finite = [c for c in candidates if math.isfinite(c.score)]
    if not finite:
        raise BadInput(f"no candidate has a finite {chosen.name}", where=", ".join(c.candidate for c in candidates))
    sign = 1 if chosen.direction == "higher" else -1
    return max(finite, key=lambda c: sign * c.score)


def _fit(candidate: Candidate, snapshot: Snapshot) -> tuple[Any, ResourceUsage]:
    rows = read_training_rows(candidate, snapshot)
    with heartbeat(f"fitting {candidate.name}"), measure_usage() as usage:
        model = fit_rows(candidate, rows, where=snapshot_label(snapshot))
    return model, usage


def _seed(build: Any, candidate: Candidate) -> dict[str, int]:
    """Return the seed under the keyword that ``build`` accepts; empty when there is none."""
    if candidate.seed is None:
        return {}
    names = [name for name in ("seed", "random_state") if name in _keywords(build)]
    if not names:
        log.warning("%s accepts neither seed nor random_state: the seed is recorded but not used", candidate.name)
    return {names[0]: candidate.seed} if names else {}


def _keywords(build: Any) -> list[str]:
    try:
        return list(inspect.signature(build).parameters)
    except ValueError:
        return []
