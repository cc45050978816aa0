"""Tuning of one candidate in an MLflow run: search, then refit of the best on all training rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import RunRef
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.training.candidate import Candidate, TrainingRows, read_training_rows, snapshot_label
from airflow_mlops.core.training.fit import build_estimator, fit_rows
from airflow_mlops.core.training.progress import heartbeat
from airflow_mlops.core.training.run_recording import FittedModel, TrainingJob, record_training_run
from airflow_mlops.core.training.runs import ClaimedRun
from airflow_mlops.core.training.tuning.proposers import make_proposer
from airflow_mlops.core.training.tuning.settings import Tuning
from airflow_mlops.core.training.tuning.study import run_search
from airflow_mlops.core.training.tuning.trial_scoring import TrialScorer
from airflow_mlops.core.training.tuning.trials import Trial, TrialStore, select_best_trial
from airflow_mlops.core.training.usage import measure_usage
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRIALS_FILE = "trials.json"


def tune(client: MlflowClient, database: Database, candidate: Candidate, tuning: Tuning, job: TrainingJob) -> RunRef:
    """Search for the best parameters and refit with them on all training rows, in one run per key.

    A retry resumes with the finished trials of earlier attempts, or returns the finished run.

    :param candidate: the candidate to tune; its parameters are fixed.
    :param tuning: the search settings.
    :raises BadInput: when a parameter is both fixed and searched, ``build`` rejects one, the rows are invalid for the
        task or the folds, or no trial has a finite score.
    """
    _check_parameters(candidate, tuning)
    seeded = _drop_unused_seed(candidate)

    def search(run: ClaimedRun) -> FittedModel:
        return _search_and_refit(run, database, seeded, tuning, job.train, job.validation)

    return record_training_run(client, database, candidate, job, search)


def summarise_search(candidate: Candidate, tuning: Tuning, trials: Sequence[Trial], best: Trial) -> dict[str, Any]:
    """Return the search and its trials as a JSON-serialisable dict, bounded by the number of trials."""
    return {
        "candidate": candidate.name,
        "metric": candidate.metric,
        "direction": get_metric(candidate.metric).direction,
        "tuning": tuning.to_dict(),
        "best": best.number,
        "trials": [trial.to_dict() for trial in trials],
    }


def _search_and_refit(
    run: ClaimedRun, database: Database, candidate: Candidate, tuning: Tuning, train: Snapshot, validation: Snapshot
) -> FittedModel:
    rows = read_training_rows(candidate, train)
    scorer = TrialScorer(candidate, tuning, rows, train, validation)
    trial_store = TrialStore(database, f"{run.key}#{_study_digest(candidate, tuning, train, validation)}")
    trials = run_search(tuning, get_metric(candidate.metric), scorer, trial_store)
    best = select_best_trial(trials, get_metric(candidate.metric))
    best_params = dict(best.params)
    if tuning.iterations:
        best_params[tuning.iterations.name] = tuning.iterations.steps[-1]
    run.log(params={**_params(tuning), **{f"param.{name}": value for name, value in best_params.items()}})
    run.client.log_text(run.id, json.dumps(summarise_search(candidate, tuning, trials, best), indent=1), TRIALS_FILE)
    return _refit(
        replace(candidate, params={**candidate.params, **best_params}), rows, train, _search_metrics(trials, best)
    )


def _refit(candidate: Candidate, rows: TrainingRows, train: Snapshot, metrics: Mapping[str, float]) -> FittedModel:
    with heartbeat(f"fitting {candidate.name}"), measure_usage() as usage:
        model = fit_rows(candidate, rows, where=snapshot_label(train))
    return FittedModel(model, usage, metrics)


def _check_parameters(candidate: Candidate, tuning: Tuning) -> None:
    """Reject invalid parameters before any run is created."""
    searched = {*tuning.space, *([tuning.iterations.name] if tuning.iterations else [])}
    if duplicates := sorted(searched & set(candidate.params)):
        raise BadInput(f"{duplicates} are both fixed and searched", where=candidate.name, hint="remove them from one")
    params = make_proposer(tuning, get_metric(candidate.metric)).propose(tuning.trial_numbers[0])
    if tuning.iterations:
        params[tuning.iterations.name] = tuning.iterations.steps[0]
    build_estimator(replace(candidate, params={**candidate.params, **params}))


def _drop_unused_seed(candidate: Candidate) -> Candidate:
    """Remove a seed that ``build`` does not accept, to avoid a warning for every fit."""
    if candidate.seed is None:
        return candidate
    import inspect

    from airflow_mlops.common.imports import resolve_callable

    try:
        accepted = inspect.signature(resolve_callable(candidate.build)).parameters
    except ValueError:
        return replace(candidate, seed=None)
    return candidate if {"seed", "random_state"} & set(accepted) else replace(candidate, seed=None)


def _study_digest(candidate: Candidate, tuning: Tuning, train: Snapshot, validation: Snapshot) -> str:
    """Return a digest of everything that trials depend on: with another space, or other rows, a retry starts anew."""
    subject = {
        "name": candidate.name,
        "build": candidate.build if isinstance(candidate.build, str) else None,
        "features": list(candidate.features),
        "target": candidate.target,
        "metric": candidate.metric,
        "params": dict(candidate.params),
        "weights": [candidate.sample_weight, candidate.class_weight],
        "seed": candidate.seed,
        "train": train.ref.id,
        "validation": validation.ref.id if tuning.folds is None else None,
    }
    return tuning.digest(subject)


def _params(tuning: Tuning) -> dict[str, Any]:
    settings = {"method": tuning.method, "seed": tuning.seed, **tuning.to_dict()}
    settings["space"] = json.dumps(settings["space"])
    return {f"tuning.{name}": value for name, value in settings.items() if value is not None}


def _search_metrics(trials: Sequence[Trial], best: Trial) -> dict[str, float]:
    assert best.score is not None
    return {
        "tuning_score": best.score,
        "tuning_seconds": sum(trial.seconds for trial in trials),
        "trials": float(len(trials)),
        "trials_pruned": float(sum(trial.state == "pruned" for trial in trials)),
        "trials_failed": float(sum(trial.state == "failed" for trial in trials)),
    }
