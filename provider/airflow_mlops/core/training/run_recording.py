"""MLflow runs of trainings: parameters, metrics, input snapshots and the model."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import RunRef
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.metrics import Task, metrics_of_same_task
from airflow_mlops.core.models import artifact
from airflow_mlops.core.models.formats import to_saved_form
from airflow_mlops.core.models.prediction import predict
from airflow_mlops.core.training import runs
from airflow_mlops.core.training.candidate import Candidate, read_labelled_rows, sample_labelled_rows, snapshot_label
from airflow_mlops.core.training.provenance import PYTHON_TAG, interpreter_version
from airflow_mlops.core.training.targets import encode_classes
from airflow_mlops.core.training.usage import ResourceUsage
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from mlflow import MlflowClient

    from airflow_mlops.core.data.contracts import Contract

MODEL_ARTIFACT = "model"
PROFILE_FILE, CONTRACT_FILE, ESTIMATOR_FILE = "profile.json", "contract.json", "estimator.json"
RUN_FILES_TAG = "mlops.run_files"
EXAMPLE_ROWS = 5
TRAIN_SAMPLE_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class FittedModel:
    """The outcome of a training.

    :param model: the fitted estimator.
    :param usage: time and memory used by fitting.
    :param metrics: additional metrics reported by the training itself.
    """

    model: Any
    usage: ResourceUsage
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What a training reads and records, in addition to its candidate.

    :param train: rows to fit on.
    :param validation: rows for model selection; never used for fitting.
    :param experiment: MLflow's experiment.
    :param key: ``dag_id/run_id/task_id/map_index``.
    :param tags: additional tags of the run.
    :param artifact_location: where a new experiment stores its artifacts.
    :param contract: the data contract; stored with the run, together with the profile of the training rows.
    :param input_example: whether to store five feature rows with the model.
    """

    train: Snapshot
    validation: Snapshot
    experiment: str
    key: str
    tags: Mapping[str, str] = field(default_factory=dict)
    artifact_location: str | None = None
    contract: Contract | None = None
    input_example: bool = True


def record_training_run(
    client: MlflowClient,
    database: Database,
    candidate: Candidate,
    job: TrainingJob,
    fit: Callable[[runs.ClaimedRun], FittedModel],
) -> RunRef:
    """Fit and record a model in its own run, once per key; a retry returns the run of the attempt that finished.

    :param fit: fits the model; not called when an earlier attempt has finished.
    :raises BadInput: when the model cannot be evaluated or saved.
    """
    train, validation = job.train, job.validation
    with runs.claim_run(
        client,
        database,
        key=job.key,
        experiment=job.experiment,
        name=candidate.name,
        tags={PYTHON_TAG: interpreter_version(), **job.tags},
        artifact_location=job.artifact_location,
    ) as run:
        if run.finished is not None:
            return run.finished
        fitted = fit(run)
        example = next(train.batches(candidate.features)).head(EXAMPLE_ROWS)
        model = to_saved_form(fitted.model, example, candidate.trusted_types)
        scores = {**fitted.metrics, **fitted.usage.to_metrics(), **compute_scores(candidate, model, train, validation)}
        with tempfile.TemporaryDirectory(prefix="mlops-run-") as temporary:
            folder = Path(temporary)
            digest = artifact.write(
                model, folder / MODEL_ARTIFACT, example, trusted=candidate.trusted_types, save_example=job.input_example
            )
            scores["bytes"] = float(artifact.size_of(folder / MODEL_ARTIFACT))
            run_files = _write_run_files(folder, fitted.model, train, candidate, job.contract)
            client.log_artifacts(run.id, temporary)  # one call: the cost is per call, not per file
        run.log(params=_params(candidate, train, validation), metrics=scores, tags={RUN_FILES_TAG: " ".join(run_files)})
        _log_inputs(client, run.id, {"train": train, "validation": validation})
        return run.finish(
            RunRef(
                run_id=run.id,
                candidate=candidate.name,
                artifact=MODEL_ARTIFACT,
                digest=digest,
                metric=candidate.metric,
                score=scores[f"validation_{candidate.metric}"],
            )
        )


def compute_scores(candidate: Candidate, model: Any, train: Snapshot, validation: Snapshot) -> dict[str, float]:
    """Compute all metrics of the task on validation rows and on a sample of the training rows.

    The difference between the two measures overfitting.

    :raises BadInput: when the model is not fitted, or its predictions do not fit the task.
    """
    metrics = {}
    for part, rows, (features, target) in (
        ("validation", validation, read_labelled_rows(candidate, validation)),
        ("train", train, sample_labelled_rows(candidate, train, TRAIN_SAMPLE_ROWS)),
    ):
        scores = predict_for_task(candidate.task, model, features, name=candidate.name)
        truth = encode_for_metrics(candidate.task, model, target, where=snapshot_label(rows))
        for name, metric in metrics_of_same_task(candidate.metric).items():
            metrics[f"{part}_{name}"] = metric.value(truth, scores)
    return metrics


def predict_for_task(task: Task, model: Any, features: pd.DataFrame, *, name: str) -> np.ndarray[Any, Any]:
    """Return predictions, after checking that they fit the task.

    :raises BadInput: when the model is not fitted, or is for another task.
    """
    from sklearn.exceptions import NotFittedError

    try:
        scores = predict(model, features)
    except NotFittedError as error:
        raise BadInput(f"{name} is not fitted: {str(error)[:200]}", hint="return it after its fit") from None
    if task == "regression" and hasattr(model, "predict_proba"):
        raise BadInput(f"{name} is a classifier, but the metric is for regression", hint="use another metric")
    if task != "regression" and not hasattr(model, "predict_proba"):
        raise BadInput(f"{name} gives no probabilities, but the metric is for classification", hint="use a classifier")
    if task == "binary" and scores.ndim == 2:
        raise BadInput(
            f"{name} has {scores.shape[1]} classes; a binary task has 2",
            hint="check that the training rows have both classes, coded 0 and 1, or use a multiclass metric",
        )
    if task == "multiclass" and scores.ndim == 1:
        raise BadInput(f"{name} has 2 classes; a multiclass task has three or more", hint="use a binary metric")
    return scores


def encode_for_metrics(task: Task, model: Any, target: pd.Series[Any], *, where: str) -> np.ndarray[Any, Any]:
    """Return targets in the form used by the task's metrics.

    :raises BadInput: when the target has a class that the model was not trained on.
    """
    if task == "multiclass":
        return encode_classes(target, list(model.classes_), where=where)
    return target.to_numpy(dtype="float64")


def _write_run_files(
    folder: Path, model: Any, train: Snapshot, candidate: Candidate, contract: Contract | None
) -> list[str]:
    """Write the run's files that accompany the model, and return their names."""
    texts = {ESTIMATOR_FILE: json.dumps(describe_estimator(model), indent=1)}
    if contract is not None:
        from airflow_mlops.core.data.profiles import profile

        texts[CONTRACT_FILE] = json.dumps(contract.to_dict(), indent=1)
        texts[PROFILE_FILE] = profile(train, columns=list(candidate.features), cluster=contract.cluster).to_json()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return sorted(texts)


def describe_estimator(model: Any, max_params: int = 500) -> dict[str, Any]:
    """Return a fitted estimator's parameters, JSON-serialisable and bounded; other values are shown as their repr.

    :param max_params: the maximum number of parameters.
    """
    params = model.get_params() if hasattr(model, "get_params") else getattr(model, "params", {})
    json_types = (str, int, float, bool, type(None))
    params_shown = {
        str(name): value if isinstance(value, json_types) else repr(value)[:200]
        for name, value in sorted(params.items())
        if not hasattr(value, "get_params") and not str(name).endswith(("steps", "transformers"))
    }
    return {
        "type": f"{type(model).__module__}.{type(model).__qualname__}",
        "params": dict(list(params_shown.items())[:max_params]),
    }


def _params(candidate: Candidate, train: Snapshot, validation: Snapshot) -> dict[str, Any]:
    build, data = candidate.build, {"train": train.ref, "validation": validation.ref}
    options = {
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
        **{name: value for name, value in options.items() if value is not None},
        **{f"param.{name}": value for name, value in candidate.params.items()},
    }


def _log_inputs(client: MlflowClient, run_id: str, parts: Mapping[str, Snapshot]) -> None:
    """Log the snapshots as the run's datasets, so that MLflow's UI shows them."""
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
