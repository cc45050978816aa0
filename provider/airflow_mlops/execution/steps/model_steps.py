"""Steps that run a team's model code, in any runtime: train, tune, evaluate and score."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.execution.steps.parameters import (
    STEP_PARAMETERS,
    EvaluateParameters,
    ScoreParameters,
    TrainParameters,
    TuneParameters,
)
from airflow_mlops.execution.steps.resources import StepResources
from airflow_mlops.execution.steps.spec import StepSpec, origin_tags

if TYPE_CHECKING:
    from airflow_mlops.common.refs import RunRef
    from airflow_mlops.core.data.snapshots.snapshot import Snapshot
    from airflow_mlops.core.training.run_recording import TrainingJob

log = logging.getLogger(__name__)


def execute_step(step: str, spec: StepSpec, resources: StepResources) -> dict[str, Any] | None:
    """Run a step.

    :param step: ``train``, ``tune``, ``evaluate`` or ``score``.
    :param spec: its specification; the parameters are the rendered ones of the step's operator.
    :param resources: the resources.
    :return: the reference to the result as JSON-serialisable dict; ``None`` when there was nothing to do.
    :raises BadInput: when the step is unknown, or its parameters are invalid.
    """
    if step not in STEPS:
        raise BadInput(f"unknown step {step!r}", hint=f"available: {', '.join(STEPS)}")
    return STEPS[step](spec, resources, STEP_PARAMETERS[step].load(spec.parameters, where=spec.key))


def train(spec: StepSpec, resources: StepResources, parameters: TrainParameters) -> dict[str, Any]:
    """Fit, validate and log a candidate, and return its ``RunRef``."""
    from airflow_mlops.core.training import fit

    candidate, job = parameters.to_candidate(), _training_job(spec, resources, parameters)
    return _log_result(fit.train(resources.mlflow, resources.database, candidate, job))


def tune(spec: StepSpec, resources: StepResources, parameters: TuneParameters) -> dict[str, Any]:
    """Tune, refit, validate and log a candidate, and return its ``RunRef``."""
    from airflow_mlops.core.training.tuning import tune as tuning_study

    tuning, job = parameters.to_tuning(), _training_job(spec, resources, parameters)
    seed = tuning.seed if "seed" in tuning.model_fields_set else None
    candidate = replace(parameters.to_candidate(), seed=seed)
    return _log_result(tuning_study.tune(resources.mlflow, resources.database, candidate, tuning, job))


def evaluate(spec: StepSpec, resources: StepResources, parameters: EvaluateParameters) -> dict[str, Any]:
    """Compare challenger and champion, publish the report, and return its ``ReportRef``.

    A failed evaluation is published, too, before the error is raised.
    """
    from airflow_mlops.common.errors import MlopsError
    from airflow_mlops.common.refs import ModelVersionRef
    from airflow_mlops.core.evaluation.comparison import compare_with_champion, report_evaluation_failure
    from airflow_mlops.core.evaluation.model_scoring import summarise_error

    version = ModelVersionRef.from_dict(parameters.challenger)
    rows = parameters.to_dataset(_open_snapshot(resources, parameters.test))
    try:
        report = compare_with_champion(
            resources.database,
            resources.snapshots,
            challenger=version,
            rows=rows,
            metric=parameters.metric,
            tracking_uri=resources.mlflow.tracking_uri,
            trusted=parameters.trusted_types,
            options=parameters.to_options(),
            loading_mode=resources.loading,
        )
    except Exception as error:
        failure = (
            error if isinstance(error, MlopsError) else MlopsError(f"the evaluation failed: {summarise_error(error)}")
        )
        resources.publish(report_evaluation_failure(version, failure))
        raise
    return resources.publish(report)


def score(spec: StepSpec, resources: StepResources, parameters: ScoreParameters) -> dict[str, Any] | None:
    """Score a snapshot with the champion, publish the scores, and return their ``SnapshotRef``.

    Returns ``None`` when there was no champion.
    """
    from airflow_mlops.core.models.loading import load_version
    from airflow_mlops.core.registry import history
    from airflow_mlops.core.scoring import ScoringJob
    from airflow_mlops.core.scoring.prediction_log import open_prediction_log
    from airflow_mlops.core.scoring.publishing import publish_scores
    from airflow_mlops.store import versions

    model = parameters.model
    champion = history.champion_at(resources.database, model, parameters.champion_at)
    if champion is None:
        return None
    job = ScoringJob(
        _open_snapshot(resources, parameters.snapshot),
        versions.ref(champion),
        key=list(parameters.key),
        features=parameters.resolve_features(),
        dataset=parameters.dataset or f"{model}_scores",
        batch_rows=parameters.batch_rows,
    )

    def load() -> Any:
        return load_version(champion, resources.mlflow.tracking_uri, parameters.trusted_types, resources.loading)

    table_log = open_prediction_log(resources.engine, parameters.conn_id, parameters.table)
    ref = publish_scores(resources.database, resources.snapshots, job, load, actor=spec.key, log=table_log)
    log.info("Scored %s rows with %s v%s", ref.rows, model, champion.version)
    return ref.to_dict()


def _open_snapshot(resources: StepResources, value: str | Mapping[str, Any]) -> Snapshot:
    from airflow_mlops.core.data.snapshots.resolver import resolve_snapshot

    return resources.snapshots.open(resolve_snapshot(resources.database, value))


def _training_job(spec: StepSpec, resources: StepResources, parameters: TrainParameters) -> TrainingJob:
    return parameters.build_job(
        train=_open_snapshot(resources, parameters.train),
        validation=_open_snapshot(resources, parameters.validation),
        experiment=spec.key.partition("/")[0],
        key=spec.key,
        tags=origin_tags(parameters.build, spec.code, spec.tags),
        artifact_location=resources.artifact_location,
    )


def _log_result(ref: RunRef) -> dict[str, Any]:
    log.info("%s: %s %.4f on validation rows", ref.candidate, ref.metric, ref.score)
    return ref.to_dict()


STEPS: Mapping[str, Callable[..., dict[str, Any] | None]] = {
    "train": train,
    "tune": tune,
    "evaluate": evaluate,
    "score": score,
}
