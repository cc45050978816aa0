"""A tuned candidate is one run with its trials, and a retry goes on where the attempt before it was."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.models import loading
from airflow_mlops.core.training.fit import Candidate, TrainingJob
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.core.training.tuning.tune import TRIALS_FILE, tune
from airflow_mlops.store.database import Database

KEY = "dag/run/tune/0"
BUILT: list[float] = []


def linear(C: float = 1.0, max_iter: int = 100, random_state: int = 0) -> LogisticRegression:
    BUILT.append(C)
    return LogisticRegression(C=C, max_iter=max_iter, random_state=random_state)


class Killed(BaseException):
    """Such as a SIGTERM."""


def fragile(C: float = 1.0) -> LogisticRegression:
    """Ends the process in its seventh fit."""
    if len(BUILT) == 7:
        BUILT.append(C)
        raise Killed
    BUILT.append(C)
    return LogisticRegression(C=C)


CANDIDATE = Candidate("linear", linear, ["x", "z"], "y", params={"max_iter": 50}, seed=3)
SPACE = {"C": {"low": 1e-4, "high": 10, "log": True}}


@pytest.fixture(autouse=True)
def _nothing_built() -> None:
    BUILT.clear()


@pytest.fixture
def parts(root: SnapshotRoot, people: Any) -> dict[str, Snapshot]:
    frames = {"train": people(200, 1), "validation": people(150, 2)}
    return {name: root.open(root.write(name, frame, partition="2026-04-06")) for name, frame in frames.items()}


def runs_of(client: Any) -> list[Any]:
    return list(client.search_runs([client.get_experiment_by_name("e").experiment_id]))


def trials_of(client: Any, run_id: str, folder: Path) -> dict[str, Any]:
    return dict(json.loads(Path(client.download_artifacts(run_id, TRIALS_FILE, str(folder))).read_text()))


def test_a_tuned_candidate_is_one_run_with_space_trials_and_the_best_refitted_on_all_training_rows(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot], tmp_path: Path
) -> None:
    tuning = Tuning.load({"space": SPACE, "trials": 6, "folds": 3, "seed": 3})
    ref = tune(
        mlflow_client, database, CANDIDATE, tuning, TrainingJob(**parts, experiment="e", key=KEY, tags={"t": "1"})
    )
    (run,) = runs_of(mlflow_client)
    assert (run.info.run_id, run.info.status) == (ref.run_id, "FINISHED")
    found = trials_of(mlflow_client, ref.run_id, tmp_path)
    assert [trial["number"] for trial in found["trials"]] == list(range(6))
    best = max(found["trials"], key=lambda trial: trial["score"])
    assert found["best"] == best["number"]
    assert float(run.data.params["param.C"]) == best["params"]["C"]
    assert run.data.params["param.max_iter"] == "50"
    assert run.data.params["tuning.method"] == "random"
    assert json.loads(run.data.params["tuning.space"]) == SPACE
    assert run.data.params["seed"] == "3"
    figures = run.data.metrics
    assert (figures["trials"], figures["trials_pruned"], figures["trials_failed"]) == (6, 0, 0)
    assert figures["tuning_score"] == pytest.approx(best["score"])
    assert figures["validation_roc_auc"] == pytest.approx(ref.score)
    folder = loading.local_folder(f"{run.info.artifact_uri}/{ref.artifact}", mlflow_client.tracking_uri)
    frame = parts["train"].to_pandas()
    expected = LogisticRegression(C=best["params"]["C"], max_iter=50).fit(frame[["x", "z"]], frame["y"])
    assert loading.load_model(folder, ref.digest).coef_ == pytest.approx(expected.coef_)


def test_a_retry_runs_only_what_was_not_over_and_ends_as_if_nothing_had_been(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot], tmp_path: Path
) -> None:
    tuning = Tuning.load({"space": SPACE, "trials": 6, "folds": 2})
    candidate = Candidate("fragile", fragile, ["x", "z"], "y")
    job = TrainingJob(**parts, experiment="e", key=KEY)
    with pytest.raises(Killed):  # in the first fold of trial 3, after the check's build
        tune(mlflow_client, database, candidate, tuning, job)
    ref = tune(mlflow_client, database, candidate, tuning, job)
    assert len(BUILT) == 8 + 1 + 2 * 3 + 1  # the killed attempt; its check, three trials of two folds, the refit
    assert tune(mlflow_client, database, candidate, tuning, job) == ref
    assert [run.info.run_id for run in runs_of(mlflow_client) if run.info.status == "FINISHED"] == [ref.run_id]
    other = tune(mlflow_client, database, candidate, tuning, replace(job, key="dag/another/tune/0"))
    first, second = (trials_of(mlflow_client, r.run_id, tmp_path)["trials"] for r in (ref, other))
    assert [{**t, "seconds": 0} for t in first] == [{**t, "seconds": 0} for t in second]


def test_a_retry_with_another_space_begins_anew(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot], tmp_path: Path
) -> None:
    candidate = Candidate("fragile", fragile, ["x", "z"], "y")
    job = TrainingJob(**parts, experiment="e", key=KEY)
    with pytest.raises(Killed):
        tune(mlflow_client, database, candidate, Tuning.load({"space": SPACE, "trials": 9}), job)
    tuning = Tuning.load({"space": {"C": [7, 8]}, "method": "grid"})
    ref = tune(mlflow_client, database, candidate, tuning, job)
    assert [trial["params"]["C"] for trial in trials_of(mlflow_client, ref.run_id, tmp_path)["trials"]] == [7, 8]


def test_the_winner_has_the_last_step_of_the_iterations(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot]
) -> None:
    tuning = Tuning.load({"space": {"C": [0.1]}, "iterations": {"name": "max_iter", "steps": [20, 40]}})
    candidate = Candidate("linear", linear, ["x", "z"], "y")
    ref = tune(mlflow_client, database, candidate, tuning, TrainingJob(**parts, experiment="e", key=KEY))
    assert mlflow_client.get_run(ref.run_id).data.params["param.max_iter"] == "40"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"space": {"max_iter": [1, 2]}}, r"\['max_iter'\] are both fixed and searched"),
        ({"space": SPACE, "iterations": {"name": "max_iter", "steps": [1, 2]}}, "both fixed and searched"),
        ({"space": {"c": [1, 2]}}, r"unexpected keyword argument 'c'"),
    ],
)
def test_a_search_that_cannot_go_makes_no_run(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot], settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        tune(mlflow_client, database, CANDIDATE, Tuning.load(settings), TrainingJob(**parts, experiment="e", key=KEY))
    assert runs_of(mlflow_client) == []


def test_a_seed_that_build_does_not_take_is_told_once_and_not_in_every_trial(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot], caplog: pytest.LogCaptureFixture
) -> None:
    candidate = Candidate("fragile", fragile, ["x", "z"], "y", seed=1)
    with caplog.at_level(logging.WARNING, logger="airflow_mlops"):
        tuning = Tuning.load({"space": {"C": [1, 2]}, "method": "grid"})
        tune(mlflow_client, database, candidate, tuning, TrainingJob(**parts, experiment="e", key=KEY))
    told = [record for record in caplog.records if record.name.startswith("airflow_mlops")]
    assert len(told) == 1
