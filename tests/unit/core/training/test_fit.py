"""A candidate is fitted on training rows alone, once a task, and chosen on validation rows alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.refs import RunRef
from airflow_mlops.core.registry import loading
from airflow_mlops.core.training import artifact
from airflow_mlops.core.training.fit import Candidate, choose, fit, labelled, train
from airflow_mlops.store.database import Database

KEY = "dag/run/train/0"


def linear(C: float = 1.0) -> LogisticRegression:
    return LogisticRegression(C=C)


CANDIDATE = Candidate("linear", linear, ["x", "z"], "y")


@pytest.fixture
def parts(root: SnapshotRoot, people: Any) -> dict[str, Snapshot]:
    frames = {"train": people(300, 1), "validation": people(200, 2)}
    return {name: root.open(root.write(name, frame, partition="2026-04-06")) for name, frame in frames.items()}


def runs_of(client: Any) -> list[Any]:
    return list(client.search_runs([client.get_experiment_by_name("e").experiment_id]))


def test_a_trained_candidate_is_one_finished_run_with_model_parameters_and_metrics(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot]
) -> None:
    candidate = Candidate("linear", linear, ["x", "z"], "y", params={"C": 0.5})
    ref = train(mlflow_client, database, candidate, **parts, experiment="e", key=KEY, tags={"t": "1"})
    (run,) = runs_of(mlflow_client)
    assert (run.info.run_id, run.info.status) == (ref.run_id, "FINISHED")
    assert run.data.tags["mlops.key"] == KEY
    assert run.data.tags["t"] == "1"
    assert run.data.params["param.C"] == "0.5"
    assert run.data.params["train_snapshot"] == parts["train"].ref.id
    assert run.data.metrics["validation_roc_auc"] == pytest.approx(ref.score)
    folder = loading.local_folder(f"{run.info.artifact_uri}/{ref.artifact}", mlflow_client.tracking_uri)
    model = loading.load(folder, ref.digest)
    frame = parts["validation"].to_pandas()
    assert ref.score == pytest.approx(roc_auc_score(frame["y"], artifact.predict(model, frame[["x", "z"]])))


def test_a_retry_gives_the_same_run_without_fitting_again(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot]
) -> None:
    fitted: list[int] = []

    def counted() -> LogisticRegression:
        fitted.append(1)
        return LogisticRegression()

    candidate = Candidate("c", counted, ["x"], "y")
    first, again = (train(mlflow_client, database, candidate, **parts, experiment="e", key=KEY) for _ in range(2))
    assert first == again
    assert len(fitted) == len(runs_of(mlflow_client)) == 1


def test_the_fit_sees_training_rows_only(root: SnapshotRoot, parts: dict[str, Snapshot]) -> None:
    model, seconds = fit(CANDIDATE, parts["train"])
    frame = parts["train"].to_pandas()
    assert model.coef_ == pytest.approx(LogisticRegression().fit(frame[["x", "z"]], frame["y"]).coef_)
    assert seconds > 0


def test_a_fit_that_fails_leaves_a_failed_run_and_a_retry_makes_a_new_one(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot]
) -> None:
    with pytest.raises(ZeroDivisionError):
        train(mlflow_client, database, Candidate("c", lambda: 1 / 0, ["x"], "y"), **parts, experiment="e", key=KEY)
    assert [r.info.status for r in runs_of(mlflow_client)] == ["FAILED"]
    ref = train(mlflow_client, database, CANDIDATE, **parts, experiment="e", key=KEY)
    assert {r.info.run_id: r.info.status for r in runs_of(mlflow_client)}[ref.run_id] == "FINISHED"
    assert sorted(r.info.status for r in runs_of(mlflow_client)) == ["FAILED", "FINISHED"]


def test_a_callable_without_a_name_can_build(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot]
) -> None:
    candidate = Candidate("c", partial(linear, C=0.1), ["x"], "y")
    train(mlflow_client, database, candidate, **parts, experiment="e", key=KEY)
    assert "linear" in runs_of(mlflow_client)[0].data.params["build"]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"x": [1.0], "z": [1.0]}, r"no column \['y'\]"),
        ({"x": [], "z": [], "y": []}, "no rows"),
        ({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": [1.0, None]}, "1 rows have no 'y'"),
        ({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": [1, 1]}, "a binary task has 0 and 1"),
        ({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": [1, 2]}, "a binary task has 0 and 1"),
        ({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": ["no", "yes"]}, "a binary task has 0 and 1"),
        ({"x": [1.0] * 3, "z": [1.0] * 3, "y": [0, 1, 2]}, "a binary task has 0 and 1"),
    ],
)
def test_rows_that_cannot_be_learnt_from_are_refused(root: SnapshotRoot, frame: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        labelled(CANDIDATE, root.open(root.write("d", pd.DataFrame(frame))))


def test_a_boolean_target_is_a_binary_one(root: SnapshotRoot) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": [True, False]})
    assert labelled(CANDIDATE, root.open(root.write("d", frame)))[1].tolist() == [True, False]


def test_a_regression_target_may_have_any_values(root: SnapshotRoot) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [0.5, 1.5, 2.5]})
    candidate = Candidate("r", LinearRegression, ["x"], "y", metric="rmse")
    model, _ = fit(candidate, root.open(root.write("d", frame)))
    assert model.coef_[0] == pytest.approx(1)


def run(name: str, score: float, metric: str = "roc_auc") -> RunRef:
    return RunRef(name, name, "model", "0", metric, score)


NAN = float("nan")


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ([run("a", 0.7), run("b", 0.8)], "b"),
        ([run("a", 0.8), run("b", 0.8)], "a"),
        ([run("a", NAN), run("b", 0.1)], "b"),
        ([run("a", float("inf")), run("b", 0.1)], "b"),
        ([run("a", 0.7, "rmse"), run("b", 0.8, "rmse")], "a"),
    ],
)
def test_the_best_finite_validation_score_is_chosen_and_of_equals_the_first(
    candidates: list[RunRef], chosen: str
) -> None:
    assert choose(candidates).candidate == chosen


@pytest.mark.parametrize(
    ("candidates", "said"),
    [
        ([], "no candidate was trained"),
        ([run("a", 0.1), run("b", 0.1, "brier")], "different metrics"),
        ([run("a", NAN)], "no candidate has a finite roc_auc"),
    ],
)
def test_nothing_is_chosen_where_nothing_can_be_compared(candidates: list[RunRef], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        choose(candidates)
