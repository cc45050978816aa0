"""Fitting one candidate on training rows and judging it on validation rows, inside an MLflow run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.imports import resolve
from airflow_mlops.core.metrics import metric, of_task
from airflow_mlops.core.refs import RunRef
from airflow_mlops.core.training import artifact, runs
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

ARTIFACT = "model"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be fitted.

    :param name: such as ``boosted``.
    :param build: gives the unfitted estimator; an import path or a callable; gets ``params`` as keywords.
    :param features: the columns it gets.
    :param target: the column it predicts.
    :param metric: the figure that candidates are chosen by.
    :param params: keywords of ``build``.
    :param trusted_types: the project's own types that the model may contain.
    """

    name: str
    build: str | Callable[..., Any]
    features: Sequence[str]
    target: str
    metric: str = "roc_auc"
    params: Mapping[str, Any] = field(default_factory=dict)
    trusted_types: Sequence[str] = ()


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
) -> RunRef:
    """Fit a candidate in a run of its own, once for each key.

    A retry gives the run of the attempt that finished; a run that a killed attempt left is closed.

    :param train: rows to fit on.
    :param validation: rows to choose on; the candidate never sees them in fitting.
    :param experiment: MLflow's experiment.
    :param key: ``dag_id/run_id/task_id/map_index``.
    :param tags: more tags for the run.
    :param artifact_location: where a new experiment keeps its artifacts.
    :raises BadInput: when a column is missing, there are no rows, or a class is missing.
    """
    with runs.claimed(
        client,
        database,
        key=key,
        experiment=experiment,
        name=candidate.name,
        tags=tags,
        artifact_location=artifact_location,
    ) as run:
        if run.finished is not None:
            return run.finished
        model, seconds = fit(candidate, train)
        scores = _score(candidate, model, validation)
        with tempfile.TemporaryDirectory(prefix="mlops-model-") as temporary:
            folder = Path(temporary) / ARTIFACT
            example = next(train.batches(candidate.features)).head(5)
            digest = artifact.write(model, folder, example, trusted=candidate.trusted_types)
            scores |= {"train_seconds": seconds, "bytes": float(artifact.size_of(folder))}
            client.log_artifacts(run.id, str(folder), ARTIFACT)
        run.log(params=_params(candidate, train, validation), metrics=scores)
        return run.finish(
            RunRef(
                run_id=run.id,
                candidate=candidate.name,
                artifact=ARTIFACT,
                digest=digest,
                metric=candidate.metric,
                score=scores[f"validation_{candidate.metric}"],
            )
        )


def fit(candidate: Candidate, snapshot: Snapshot) -> tuple[Any, float]:
    """Fit on all rows of a snapshot.

    :returns: the fitted estimator, and the seconds that fitting took.
    """
    features, target = labelled(candidate, snapshot)
    estimator = resolve(candidate.build)(**candidate.params)
    started = time.perf_counter()
    estimator.fit(features, target)
    return estimator, time.perf_counter() - started


def labelled(candidate: Candidate, snapshot: Snapshot) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Read features and target.

    :raises BadInput: when there are no rows, targets are missing, or a binary target is not 0 and 1, with both there.
    """
    frame = snapshot.to_pandas([*candidate.features, candidate.target])
    where = f"{snapshot.ref.dataset} {snapshot.ref.partition or ''} ({snapshot.ref.id})"
    if frame.empty:
        raise BadInput("no rows", where=where, mend="check the split's shares and the query")
    target = frame.pop(candidate.target)
    if target.isna().any():
        raise BadInput(f"{int(target.isna().sum())} rows have no {candidate.target!r}", where=where)
    if metric(candidate.metric).task == "binary" and (target.nunique() != 2 or not target.isin([0, 1]).all()):
        raise BadInput(
            f"{candidate.target!r} has the values {target.unique()[:5].tolist()}, a binary task has 0 and 1",
            where=where,
            mend="code the classes 0 and 1, have rows of both, or use another metric",
        )
    return frame, target


def _score(candidate: Candidate, model: Any, validation: Snapshot) -> dict[str, float]:
    features, target = labelled(candidate, validation)
    predicted = artifact.predict(model, features)
    return {
        f"validation_{name}": m.value(target.to_numpy(), predicted) for name, m in of_task(candidate.metric).items()
    }


def _params(candidate: Candidate, train: Snapshot, validation: Snapshot) -> dict[str, Any]:
    return {
        "build": candidate.build
        if isinstance(candidate.build, str)
        else getattr(candidate.build, "__qualname__", repr(candidate.build)),
        "features": ",".join(candidate.features)[:500],
        "target": candidate.target,
        "train_snapshot": train.ref.id,
        "train_rows": train.ref.rows,
        "validation_snapshot": validation.ref.id,
        **{f"param.{name}": value for name, value in candidate.params.items()},
    }


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
