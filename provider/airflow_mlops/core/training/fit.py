"""Fitting one candidate on training rows and judging it on validation rows, inside an MLflow run."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.imports import resolve
from airflow_mlops.core.metrics import metric
from airflow_mlops.core.refs import RunRef
from airflow_mlops.core.training.candidate import Candidate, TrainingRows, labelled, said, training_rows
from airflow_mlops.core.training.memory import Spent, measured
from airflow_mlops.core.training.progress import heartbeat
from airflow_mlops.core.training.recorded import ARTIFACT, Made, recorded
from airflow_mlops.core.training.targets import check_classes
from airflow_mlops.core.training.weights import weighted_fit
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.core.data.contracts import Contract

__all__ = ["ARTIFACT", "Candidate", "TrainingRows", "choose", "fit", "fit_rows", "labelled", "train", "unfitted"]

log = logging.getLogger(__name__)


def train(
    client: MlflowClient,
    database: Database,
    candidate: Candidate,
    *,
    train: Snapshot,
    validation: Snapshot,
    experiment: str,
    key: str,
    tags: Mapping[str, str] | None = None,
    artifact_location: str | None = None,
    contract: Contract | None = None,
    input_example: bool = True,
) -> RunRef:
    """Fit a candidate in a run of its own, once for each key.

    A retry gives the run of the attempt that finished; a run that a killed attempt left is closed.

    :param train: rows to fit on.
    :param validation: rows to choose on; the candidate never sees them in fitting.
    :param experiment: MLflow's experiment.
    :param key: ``dag_id/run_id/task_id/map_index``.
    :param tags: more tags for the run.
    :param artifact_location: where a new experiment keeps its artifacts.
    :param contract: what the rows promise; kept with the run, and the profile of the training rows with it.
    :param input_example: whether five feature rows are kept with the model.
    :raises BadInput: when a column is missing, there are no rows, or the target is not what the task needs.
    """

    def make(_: Any) -> Made:
        model, spent = _fit(candidate, train)
        return Made(model, spent)

    return recorded(
        client,
        database,
        candidate,
        make,
        train=train,
        validation=validation,
        experiment=experiment,
        key=key,
        tags=tags,
        artifact_location=artifact_location,
        contract=contract,
        input_example=input_example,
    )


def fit(candidate: Candidate, snapshot: Snapshot) -> tuple[Any, float]:
    """Fit on all rows of a snapshot.

    :returns: the fitted estimator, and the seconds that fitting took.
    """
    model, spent = _fit(candidate, snapshot)
    return model, spent.seconds


def fit_rows(candidate: Candidate, rows: TrainingRows, *, where: str = "the training rows") -> Any:
    """Fit on rows that have been read; gives the fitted estimator.

    :raises BadInput: when the estimator cannot be built, takes no weights though there are some, or the training rows
        have too few classes.
    """
    if candidate.task == "multiclass":
        check_classes(rows.target, where=where)
    estimator = unfitted(candidate)
    weighted_fit(estimator, rows.features, rows.target, rows.weights)
    return estimator


def unfitted(candidate: Candidate) -> Any:
    """Build the estimator, with the candidate's seed where it takes one.

    :raises BadInput: when ``build`` does not take the keywords, or gives no estimator.
    """
    build = resolve(candidate.build)
    keywords = {**_seed(build, candidate), **candidate.params}
    try:
        inspect.signature(build).bind(**keywords)
    except ValueError:  # it has no signature that Python could show
        pass
    except TypeError as error:
        raise BadInput(
            f"{candidate.name} cannot be built: {error}",
            where=str(candidate.build),
            mend=f"its keywords are {_keywords(build)}",
        ) from None
    estimator = build(**keywords)
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise BadInput(
            f"{candidate.name} is no estimator: build gave {estimator!r}"[:200],
            where=str(candidate.build),
            mend="return an unfitted estimator, such as a scikit-learn Pipeline",
        )
    return estimator


def choose(candidates: Sequence[RunRef]) -> RunRef:
    """Choose the challenger: the best by the candidates' metric on validation rows; of equals the first.

    :raises BadInput: when there is none, they were judged by different metrics, or no score is finite.
    """
    import math

    if not candidates:
        raise BadInput("no candidate was trained", mend="look at the mapped training tasks: all failed or were skipped")
    names = {c.metric for c in candidates}
    if len(names) != 1:
        raise BadInput(f"candidates were judged by different metrics: {sorted(names)}")
    m = metric(names.pop())
    finite = [c for c in candidates if math.isfinite(c.score)]
    if not finite:
        raise BadInput(f"no candidate has a finite {m.name}", where=", ".join(c.candidate for c in candidates))
    sign = 1 if m.direction == "higher" else -1
    return max(finite, key=lambda c: sign * c.score)


def _fit(candidate: Candidate, snapshot: Snapshot) -> tuple[Any, Spent]:
    rows = training_rows(candidate, snapshot)
    with heartbeat(f"fitting {candidate.name}"), measured() as spent:
        model = fit_rows(candidate, rows, where=said(snapshot))
    return model, spent


def _seed(build: Any, candidate: Candidate) -> dict[str, int]:
    """Give the seed under the name by which ``build`` takes it, if it does."""
    if candidate.seed is None:
        return {}
    names = [name for name in ("seed", "random_state") if name in _keywords(build)]
    if not names:
        log.warning("%s takes neither seed nor random_state: the seed is recorded but not used", candidate.name)
    return {names[0]: candidate.seed} if names else {}


def _keywords(build: Any) -> list[str]:
    try:
        return list(inspect.signature(build).parameters)
    except ValueError:
        return []
