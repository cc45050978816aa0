"""Tuning one candidate in an MLflow run: search, refit the best on all training rows, judge it on validation rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics import metric
from airflow_mlops.core.refs import RunRef
from airflow_mlops.core.training.candidate import Candidate, TrainingRows, said, training_rows
from airflow_mlops.core.training.fit import fit_rows, unfitted
from airflow_mlops.core.training.memory import measured
from airflow_mlops.core.training.progress import heartbeat
from airflow_mlops.core.training.recorded import Made, recorded
from airflow_mlops.core.training.runs import ClaimedRun
from airflow_mlops.core.training.tuning.proposals import proposer
from airflow_mlops.core.training.tuning.scoring import Judging
from airflow_mlops.core.training.tuning.settings import Tuning
from airflow_mlops.core.training.tuning.study import search
from airflow_mlops.core.training.tuning.trials import Kept, Trial, winner
from airflow_mlops.store.database import Database

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.core.data.contracts import Contract

TRIALS = "trials.json"


def tune(
    client: MlflowClient,
    database: Database,
    candidate: Candidate,
    tuning: Tuning,
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
    """Search for the best parameters, and fit with them on all training rows, in one run for each key.

    A retry goes on with the trials that an earlier attempt has finished; when all was done, it gives its run.

    :param candidate: what is tuned; its parameters are fixed.
    :param tuning: the search. Other parameters as of :func:`airflow_mlops.core.training.fit.train`.
    :raises BadInput: when a parameter is both fixed and searched, ``build`` does not take one, the rows are not what
        the task or the folds need, or no trial gave a finite score.
    """
    _check(candidate, tuning)
    tuned = _quietly_seeded(candidate)

    def make(run: ClaimedRun) -> Made:
        return _make(run, database, tuned, tuning, train, validation)

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


def table(candidate: Candidate, tuning: Tuning, trials: Sequence[Trial], best: Trial) -> dict[str, Any]:
    """Give the search and its trials, ready for JSON. It is bounded, as the number of trials is."""
    return {
        "candidate": candidate.name,
        "metric": candidate.metric,
        "direction": metric(candidate.metric).direction,
        "tuning": tuning.to_dict(),
        "best": best.number,
        "trials": [trial.to_dict() for trial in trials],
    }


def _make(
    run: ClaimedRun, database: Database, candidate: Candidate, tuning: Tuning, train: Snapshot, validation: Snapshot
) -> Made:
    rows = training_rows(candidate, train)
    judging = Judging(candidate, tuning, rows, train, validation)
    kept = Kept(database, f"{run.key}#{_study(candidate, tuning, train, validation)}")
    trials = search(tuning, metric(candidate.metric), judging, kept)
    best = winner(trials, metric(candidate.metric))
    found = dict(best.params)
    if tuning.iterations:
        found[tuning.iterations.name] = tuning.iterations.steps[-1]
    run.log(params={**_params(tuning), **{f"param.{name}": value for name, value in found.items()}})
    run.client.log_text(run.id, json.dumps(table(candidate, tuning, trials, best), indent=1), TRIALS)
    return _refitted(replace(candidate, params={**candidate.params, **found}), rows, train, _figures(trials, best))


def _refitted(candidate: Candidate, rows: TrainingRows, train: Snapshot, figures: Mapping[str, float]) -> Made:
    with heartbeat(f"fitting {candidate.name}"), measured() as spent:
        model = fit_rows(candidate, rows, where=said(train))
    return Made(model, spent, figures)


def _check(candidate: Candidate, tuning: Tuning) -> None:
    """Refuse what cannot go well before anything is made."""
    searched = {*tuning.space, *([tuning.iterations.name] if tuning.iterations else [])}
    if both := sorted(searched & set(candidate.params)):
        raise BadInput(f"{both} are both fixed and searched", where=candidate.name, mend="take them out of one")
    first = proposer(tuning, metric(candidate.metric)).propose(tuning.numbers[0])
    if tuning.iterations:
        first[tuning.iterations.name] = tuning.iterations.steps[0]
    unfitted(replace(candidate, params={**candidate.params, **first}))


def _quietly_seeded(candidate: Candidate) -> Candidate:
    """Leave out a seed that ``build`` does not take: each fit would say so again."""
    if candidate.seed is None:
        return candidate
    import inspect

    from airflow_mlops.core.imports import resolve

    try:
        known = inspect.signature(resolve(candidate.build)).parameters
    except ValueError:
        return replace(candidate, seed=None)
    return candidate if {"seed", "random_state"} & set(known) else replace(candidate, seed=None)


def _study(candidate: Candidate, tuning: Tuning, train: Snapshot, validation: Snapshot) -> str:
    """Name all that trials depend on: with another space, or other rows, a retry begins anew."""
    about = {
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
    return tuning.digest(about)


def _params(tuning: Tuning) -> dict[str, Any]:
    given = {"method": tuning.method, "seed": tuning.seed, **tuning.to_dict()}
    given["space"] = json.dumps(given["space"])
    return {f"tuning.{name}": value for name, value in given.items() if value is not None}


def _figures(trials: Sequence[Trial], best: Trial) -> dict[str, float]:
    assert best.score is not None
    return {
        "tuning_score": best.score,
        "tuning_seconds": sum(trial.seconds for trial in trials),
        "trials": float(len(trials)),
        "trials_pruned": float(sum(trial.state == "pruned" for trial in trials)),
        "trials_failed": float(sum(trial.state == "failed" for trial in trials)),
    }
