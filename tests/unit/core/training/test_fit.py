"""A candidate is fitted on training rows alone, once a task, and chosen on validation rows alone."""

from __future__ import annotations

import json
import platform
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import RunRef
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.metrics import metrics_of_same_task
from airflow_mlops.core.models import loading
from airflow_mlops.core.models.prediction import predict
from airflow_mlops.core.training import usage
from airflow_mlops.core.training.candidate import sample_labelled_rows
from airflow_mlops.core.training.fit import (
    Candidate,
    TrainingJob,
    build_estimator,
    fit,
    read_labelled_rows,
    select_challenger,
    train,
)
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
    ref = train(mlflow_client, database, candidate, TrainingJob(**parts, experiment="e", key=KEY, tags={"t": "1"}))
    (run,) = runs_of(mlflow_client)
    assert (run.info.run_id, run.info.status) == (ref.run_id, "FINISHED")
    assert run.data.tags["mlops.key"] == KEY
    assert run.data.tags["t"] == "1"
    assert run.data.params["param.C"] == "0.5"
    assert run.data.params["train_snapshot"] == parts["train"].ref.id
    assert run.data.metrics["validation_roc_auc"] == pytest.approx(ref.score)
    folder = loading.local_folder(f"{run.info.artifact_uri}/{ref.artifact}", mlflow_client.tracking_uri)
    model = loading.load_model(folder, ref.digest)
    frame = parts["validation"].to_pandas()
    assert ref.score == pytest.approx(roc_auc_score(frame["y"], predict(model, frame[["x", "z"]])))


def test_a_retry_gives_the_same_run_without_fitting_again(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot]
) -> None:
    fitted: list[int] = []

    def counted() -> LogisticRegression:
        fitted.append(1)
        return LogisticRegression()

    candidate = Candidate("c", counted, ["x"], "y")
    first, again = (
        train(mlflow_client, database, candidate, TrainingJob(**parts, experiment="e", key=KEY)) for _ in range(2)
    )
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
        train(
            mlflow_client,
            database,
            Candidate("c", lambda: 1 / 0, ["x"], "y"),
            TrainingJob(**parts, experiment="e", key=KEY),
        )
    assert [r.info.status for r in runs_of(mlflow_client)] == ["FAILED"]
    ref = train(mlflow_client, database, CANDIDATE, TrainingJob(**parts, experiment="e", key=KEY))
    assert {r.info.run_id: r.info.status for r in runs_of(mlflow_client)}[ref.run_id] == "FINISHED"
    assert sorted(r.info.status for r in runs_of(mlflow_client)) == ["FAILED", "FINISHED"]


def test_a_callable_without_a_name_can_build(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot]
) -> None:
    candidate = Candidate("c", partial(linear, C=0.1), ["x"], "y")
    train(mlflow_client, database, candidate, TrainingJob(**parts, experiment="e", key=KEY))
    assert "linear" in runs_of(mlflow_client)[0].data.params["build"]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"x": [1.0], "z": [1.0]}, r"no column \['y'\]"),
        ({"x": [], "z": [], "y": []}, "no rows"),
        ({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": [1.0, None]}, "1 rows have no 'y'"),
        ({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": [1, 1]}, "is not a binary target of 0 and 1"),
        ({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": [1, 2]}, "is not a binary target of 0 and 1"),
        ({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": ["no", "yes"]}, "is not a binary target of 0 and 1"),
        ({"x": [1.0] * 3, "z": [1.0] * 3, "y": [0, 1, 2]}, "is not a binary target of 0 and 1"),
    ],
)
def test_rows_that_cannot_be_learnt_from_are_refused(root: SnapshotRoot, frame: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_labelled_rows(CANDIDATE, root.open(root.write("d", pd.DataFrame(frame))))


def test_a_boolean_target_is_a_binary_one(root: SnapshotRoot) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": [True, False]})
    assert read_labelled_rows(CANDIDATE, root.open(root.write("d", frame)))[1].tolist() == [True, False]


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
    assert select_challenger(candidates).candidate == chosen


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
        select_challenger(candidates)


def rows_of(kind: str, rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """A task of each kind from the same two columns: ``y`` is 0 or 1, a name of three, or a number; ``w`` a weight."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=rows), "z": rng.normal(size=rows), "w": rng.uniform(1, 3, rows)})
    signal = frame["x"] + rng.normal(scale=0.3, size=rows)
    frame["y"] = {
        "binary": (signal > 0.5).astype(int),
        "multiclass": pd.Series(np.select([signal > 0.5, signal < -0.5], ["high", "low"], "mid")),
        "regression": 3 * signal,
    }[kind]
    return frame


KINDS: dict[str, tuple[str, Any]] = {
    "binary": ("roc_auc", LogisticRegression),
    "multiclass": ("log_loss_multiclass", LogisticRegression),
    "regression": ("rmse", LinearRegression),
}


def two_parts(root: SnapshotRoot, kind: str) -> dict[str, Snapshot]:
    frames = {name: rows_of(kind, 200, seed) for seed, name in enumerate(("train", "validation"))}
    return {name: root.open(root.write(name, frame, partition="2026-04")) for name, frame in frames.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_task_is_fitted_judged_by_its_own_metrics_and_kept(
    mlflow_client: Any, database: Database, root: SnapshotRoot, kind: str
) -> None:
    name, build = KINDS[kind]
    both = two_parts(root, kind)
    ref = train(
        mlflow_client,
        database,
        Candidate("c", build, ["x", "z"], "y", name),
        TrainingJob(**both, experiment="e", key=KEY),
    )
    (run,) = runs_of(mlflow_client)
    assert ref.score == run.data.metrics[f"validation_{name}"]
    assert {f"{part}_{m}" for part in ("train", "validation") for m in metrics_of_same_task(name)} <= set(
        run.data.metrics
    ) | {tag.removeprefix("metric.") for tag in run.data.tags}
    folder = loading.local_folder(f"{run.info.artifact_uri}/{ref.artifact}", mlflow_client.tracking_uri)
    frame = both["validation"].to_pandas()
    predicted = predict(loading.load_model(folder, ref.digest), frame[["x", "z"]])
    assert predicted.shape == ((200, 3) if kind == "multiclass" else (200,))
    if kind == "multiclass":
        assert ref.score == pytest.approx(log_loss(frame["y"], predicted, labels=["high", "low", "mid"]))


def test_the_run_says_on_what_by_which_code_and_how_it_was_fitted(
    mlflow_client: Any, database: Database, root: SnapshotRoot
) -> None:
    contract = Contract.load(
        {"name": "c", "key": "id", "columns": {n: {"type": "float"} for n in ("x", "z", "w")} | {"id": {"type": "int"}}}
    )
    both = two_parts(root, "binary")
    candidate = Candidate(
        "c", forest, ["x", "z"], "y", params={"depth": 2}, sample_weight="w", class_weight="balanced", seed=7
    )
    how = {"experiment": "e", "key": KEY, "tags": {"mlops.code_version": "git:1"}, "contract": contract}
    ref = train(mlflow_client, database, candidate, TrainingJob(**both, **how))
    run = mlflow_client.get_run(ref.run_id)
    assert run.data.params == {
        "build": "forest", "features": "x,z", "target": "y", "param.depth": "2", "seed": "7",
        "sample_weight": "w", "class_weight": "balanced",
        **{f"{part}_{what}": str(value) for part, s in both.items() for what, value in
           (("snapshot", s.ref.id), ("rows", 200), ("partition", "2026-04"))},
    }  # fmt: skip
    assert run.data.tags["mlops.code_version"] == "git:1"
    assert run.data.tags["mlops.python"].startswith(platform.python_version())
    assert run.data.metrics["train_seconds"] > 0
    assert ("train_memory_mb" in run.data.metrics) == usage.CLEAR_REFS_FILE.exists()
    given = {i.tags[0].value: (i.dataset.digest, i.dataset.name) for i in run.inputs.dataset_inputs}
    assert given == {part: (s.ref.id, f"{part} 2026-04") for part, s in both.items()}

    def read(name: str) -> Any:
        return json.loads(Path(mlflow_client.download_artifacts(ref.run_id, name)).read_text())

    assert {a.path for a in mlflow_client.list_artifacts(ref.run_id)} == {
        "model", "contract.json", "estimator.json", "profile.json",
    }  # fmt: skip
    assert read("contract.json") == json.loads(json.dumps(contract.to_dict()))
    assert (read("profile.json")["rows"], set(read("profile.json")["columns"])) == (200, {"x", "z"})
    assert read("estimator.json")["params"]["random_state"] == 7
    assert len(read("model/input_example.json")["data"]) == 5
    assert read("model/input_example.json")["columns"] == ["x", "z"]


def test_no_rows_leave_the_snapshots_when_nobody_wants_an_example(
    mlflow_client: Any, database: Database, parts: dict[str, Snapshot]
) -> None:
    ref = train(mlflow_client, database, CANDIDATE, TrainingJob(**parts, experiment="e", key=KEY, input_example=False))
    kept = [a.path for a in mlflow_client.list_artifacts(ref.run_id, "model")]
    assert not [path for path in kept if "example" in path]
    assert {a.path for a in mlflow_client.list_artifacts(ref.run_id)} == {"model", "estimator.json"}


def forest(depth: int, random_state: int = 0) -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=3, max_depth=depth, random_state=random_state)


def test_weights_of_the_column_and_the_classes_reach_the_estimator(root: SnapshotRoot) -> None:
    rows = root.open(root.write("d", rows_of("binary")))
    candidate = Candidate("c", LogisticRegression, ["x"], "y", sample_weight="w", class_weight={"0": 1, "1": 4})
    model, _ = fit(candidate, rows)
    frame = rows.to_pandas()
    weights = frame["w"] * frame["y"].map({0: 1, 1: 4})
    assert model.coef_ == pytest.approx(LogisticRegression().fit(frame[["x"]], frame["y"], weights).coef_)
    assert model.coef_ != pytest.approx(LogisticRegression().fit(frame[["x"]], frame["y"]).coef_, rel=1e-3)


@pytest.mark.parametrize(
    ("build", "params", "random_state"),
    [
        (LogisticRegression, {}, 5),
        (LogisticRegression, {"random_state": 9}, 9),
        (lambda seed=0: LogisticRegression(random_state=seed), {}, 5),
        (partial(LogisticRegression, C=2), {}, 5),
        ("sklearn.linear_model:LogisticRegression", {}, 5),
        (lambda: LogisticRegression(random_state=1), {}, 1),
    ],
)
def test_the_seed_goes_where_build_takes_one_and_a_keyword_beats_it(build: Any, params: Any, random_state: int) -> None:
    assert build_estimator(Candidate("c", build, ["x"], "y", params=params, seed=5)).random_state == random_state


@pytest.mark.parametrize(
    ("build", "params", "said"),
    [
        (LogisticRegression, {"depth": 3}, "cannot build c: got an unexpected keyword argument 'depth'"),
        (forest, {}, "missing a required argument: 'depth'"),
        (lambda: LogisticRegression, {}, "c is not an estimator"),
        (lambda: None, {}, "c is not an estimator: build returned None"),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(build: Any, params: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build_estimator(Candidate("c", build, ["x"], "y", params=params))


@pytest.mark.parametrize(
    ("candidate", "frame", "said"),
    [
        (
            Candidate("c", LogisticRegression, ["x", "y"], "y"),
            rows_of("binary"),
            "'y' is both the target and a feature",
        ),
        (Candidate("c", LogisticRegression, ["x"], "y", sample_weight="v"), rows_of("binary"), r"no column \['v'\]"),
        (
            Candidate("c", LinearRegression, ["x"], "y", "mae", class_weight="balanced"),
            rows_of("regression"),
            "requires a classification metric",
        ),
        (
            Candidate("c", KNeighborsClassifier, ["x"], "y", sample_weight="w"),
            rows_of("binary"),
            "does not accept sample",
        ),
        (
            Candidate("c", LogisticRegression, ["x"], "y", "log_loss_multiclass"),
            rows_of("multiclass").assign(y=lambda f: f["y"].replace("mid", "low")),
            "two classes",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused_before_it_is_tried(
    root: SnapshotRoot, candidate: Candidate, frame: pd.DataFrame, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        fit(candidate, root.open(root.write("d", frame)))


@pytest.mark.parametrize(
    ("metric", "kind", "build", "said"),
    [
        ("rmse", "binary", LogisticRegression, "is a classifier, but the metric is for regression"),
        ("roc_auc", "binary", LinearRegression, "gives no probabilities"),
        ("log_loss_multiclass", "multiclass", partial(SVC), "SVC predicts classes but no probabilities"),
    ],
)
def test_a_model_of_another_task_than_its_metric_s_is_refused(
    mlflow_client: Any, database: Database, root: SnapshotRoot, metric: str, kind: str, build: Any, said: str
) -> None:
    both = two_parts(root, kind)
    with pytest.raises(BadInput, match=said):
        train(
            mlflow_client,
            database,
            Candidate("c", build, ["x"], "y", metric),
            TrainingJob(**both, experiment="e", key=KEY),
        )
    assert [run.info.status for run in runs_of(mlflow_client)] == ["FAILED"]


def test_a_class_that_only_validation_rows_have_is_named(
    mlflow_client: Any, database: Database, root: SnapshotRoot
) -> None:
    both = two_parts(root, "multiclass")
    strange = rows_of("multiclass").assign(y=lambda f: f["y"].replace("mid", "middle"))
    both["validation"] = root.open(root.write("validation", strange))
    candidate = Candidate("c", LogisticRegression, ["x"], "y", "accuracy_multiclass")
    with pytest.raises(BadInput, match="classes that the model was not trained on: 'middle'"):
        train(mlflow_client, database, candidate, TrainingJob(**both, experiment="e", key=KEY))


@given(st.integers(1, 400), st.integers(1, 3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_sample_is_of_the_rows_and_about_as_large_as_asked_for(root: SnapshotRoot, rows: int, files: int) -> None:
    frame = rows_of("binary", 200)
    cut = len(frame) // files
    chunks = [frame[i * cut : (i + 1) * cut if i < files - 1 else None] for i in range(files)]
    features, target = sample_labelled_rows(CANDIDATE, root.open(root.write("d", chunks)), rows)
    assert len(features) == len(target) == pytest.approx(min(rows, 200), abs=files)
    assert set(features["x"]) <= set(frame["x"])
