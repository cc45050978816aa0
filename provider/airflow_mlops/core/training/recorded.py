"""The run of one training, whoever fits: what was fitted on what, by which code, how good it is, and the model."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import Task, of_task
from airflow_mlops.core.refs import RunRef
from airflow_mlops.core.training import artifact, runs
from airflow_mlops.core.training.candidate import Candidate, labelled, said, sampled
from airflow_mlops.core.training.formats import as_kept
from airflow_mlops.core.training.memory import Spent
from airflow_mlops.core.training.prediction import predict
from airflow_mlops.core.training.provenance import PYTHON_TAG, python
from airflow_mlops.core.training.targets import numbered
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from mlflow import MlflowClient

    from airflow_mlops.core.data.contracts import Contract

ARTIFACT = "model"
PROFILE, CONTRACT, ESTIMATOR = "profile.json", "contract.json", "estimator.json"
KEPT_TAG = "mlops.kept"
EXAMPLE_ROWS = 5
TRAIN_SAMPLE = 5_000


@dataclass(frozen=True, slots=True)
class Made:
    """What a training has made.

    :param model: the fitted estimator.
    :param spent: what fitting took.
    :param metrics: more figures, of the training's own.
    """

    model: Any
    spent: Spent
    metrics: Mapping[str, float] = field(default_factory=dict)


def recorded(
    client: MlflowClient,
    database: Database,
    candidate: Candidate,
    make: Callable[[runs.ClaimedRun], Made],
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
    """Make a model in a run of its own, once for each key; a retry gives the run of the attempt that finished.

    :param make: fits; is not called when an earlier attempt has finished. Other parameters as of
        :func:`airflow_mlops.core.training.fit.train`.
    :raises BadInput: when the model cannot be judged or kept.
    """
    with runs.claimed(
        client,
        database,
        key=key,
        experiment=experiment,
        name=candidate.name,
        tags={PYTHON_TAG: python(), **(tags or {})},
        artifact_location=artifact_location,
    ) as run:
        if run.finished is not None:
            return run.finished
        made = make(run)
        example = next(train.batches(candidate.features)).head(EXAMPLE_ROWS)
        model = as_kept(made.model, example)
        scores = {**made.metrics, **made.spent.facts(), **judged(candidate, model, train, validation)}
        with tempfile.TemporaryDirectory(prefix="mlops-run-") as temporary:
            folder = Path(temporary)
            digest = artifact.write(
                model, folder / ARTIFACT, example, trusted=candidate.trusted_types, keep_example=input_example
            )
            scores["bytes"] = float(artifact.size_of(folder / ARTIFACT))
            kept = _write_beside(folder, made.model, train, candidate, contract)
            client.log_artifacts(run.id, temporary)  # all in one call: each costs more than the files do
        run.log(params=_params(candidate, train, validation), metrics=scores, tags={KEPT_TAG: " ".join(kept)})
        _log_inputs(client, run.id, {"train": train, "validation": validation})
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


def judged(candidate: Candidate, model: Any, train: Snapshot, validation: Snapshot) -> dict[str, float]:
    """Give all metrics of the task on validation rows, and on a sample of the training rows: the distance between the
    two is overfitting.

    :raises BadInput: when the model is not fitted, or predicts something that the task does not know.
    """
    found = {}
    for part, rows, (features, target) in (
        ("validation", validation, labelled(candidate, validation)),
        ("train", train, sampled(candidate, train, TRAIN_SAMPLE)),
    ):
        scores = scores_for(candidate.task, model, features, name=candidate.name)
        truth = truth_for(candidate.task, model, target, where=said(rows))
        for name, metric in of_task(candidate.metric).items():
            found[f"{part}_{name}"] = metric.value(truth, scores)
    return found


def scores_for(task: Task, model: Any, features: pd.DataFrame, *, name: str) -> np.ndarray[Any, Any]:
    """Predict, and make sure that it is what metrics of the task judge.

    :raises BadInput: when the model is not fitted, or is of another task.
    """
    from sklearn.exceptions import NotFittedError

    try:
        scores = predict(model, features)
    except NotFittedError as error:
        raise BadInput(f"{name} is not fitted: {str(error)[:200]}", mend="return it after its fit") from None
    if task == "regression" and hasattr(model, "predict_proba"):
        raise BadInput(f"{name} is a classifier, and the metric is one of regression", mend="use another metric")
    if task != "regression" and not hasattr(model, "predict_proba"):
        raise BadInput(f"{name} gives no probabilities, and the metric is one of classes", mend="use a classifier")
    if task == "binary" and scores.ndim == 2:
        raise BadInput(
            f"{name} knows {scores.shape[1]} classes, a binary task has 2",
            mend="check that the training rows have both classes, coded 0 and 1, or use a multiclass metric",
        )
    if task == "multiclass" and scores.ndim == 1:
        raise BadInput(f"{name} knows 2 classes, a multiclass task has three or more", mend="use a binary metric")
    return scores


def truth_for(task: Task, model: Any, target: pd.Series[Any], *, where: str) -> np.ndarray[Any, Any]:
    """Give targets as metrics of the task take them.

    :raises BadInput: when there is a class that the model does not know.
    """
    if task == "multiclass":
        return numbered(target, list(model.classes_), where=where)
    return target.to_numpy(dtype="float64")


def _write_beside(
    folder: Path, model: Any, train: Snapshot, candidate: Candidate, contract: Contract | None
) -> list[str]:
    """Write what belongs to the run beside the model; gives the names."""
    texts = {ESTIMATOR: json.dumps(described(model), indent=1)}
    if contract is not None:
        from airflow_mlops.core.data import profile

        texts[CONTRACT] = json.dumps(contract.to_dict(), indent=1)
        texts[PROFILE] = profile(train, columns=list(candidate.features), cluster=contract.cluster).to_json()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted(texts)


def described(model: Any, most: int = 500) -> dict[str, Any]:
    """Give a fitted estimator's parameters as JSON, bounded: what is no plain value is named by its type.

    :param most: at most so many.
    """
    params = model.get_params() if hasattr(model, "get_params") else getattr(model, "params", {})
    plain = (str, int, float, bool, type(None))
    shown = {
        str(name): value if isinstance(value, plain) else repr(value)[:200]
        for name, value in sorted(params.items())
        if not hasattr(value, "get_params") and not str(name).endswith(("steps", "transformers"))
    }
    return {"type": f"{type(model).__module__}.{type(model).__qualname__}", "params": dict(list(shown.items())[:most])}


def _params(candidate: Candidate, train: Snapshot, validation: Snapshot) -> dict[str, Any]:
    build, data = candidate.build, {"train": train.ref, "validation": validation.ref}
    given = {
        "sample_weight": candidate.sample_weight,
        "class_weight": candidate.class_weight,
        "seed": candidate.seed,
    }
    return {
        "build": build if isinstance(build, str) else getattr(build, "__qualname__", repr(build)),
        "features": ",".join(candidate.features)[:500],
        "target": candidate.target,
        **{f"{part}_snapshot": ref.id for part, ref in data.items()},
        **{f"{part}_rows": ref.rows for part, ref in data.items()},
        **{f"{part}_partition": ref.partition for part, ref in data.items() if ref.partition},
        **{name: value for name, value in given.items() if value is not None},
        **{f"param.{name}": value for name, value in candidate.params.items()},
    }


def _log_inputs(client: MlflowClient, run_id: str, parts: Mapping[str, Snapshot]) -> None:
    """Name the snapshots as the run's datasets, where MLflow's own pages show them."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Dataset(
                name=snapshot.name,
                digest=snapshot.ref.id,
                source_type="snapshot",
                source=json.dumps({"uri": snapshot.ref.uri}),
                profile=json.dumps({"num_rows": snapshot.ref.rows}),
            ),
            [InputTag("mlflow.data.context", part)],
        )
        for part, snapshot in parts.items()
    ]
    client.log_inputs(run_id, inputs)
