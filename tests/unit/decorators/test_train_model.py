"""Training functions as tasks, with the operator's tracking and retry safety."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.refs import RunRef
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.models import loading
from airflow_mlops.core.models.prediction import predict
from airflow_mlops.decorators.train_model import TrainModelDecoratedOperator, train_model_task
from airflow_mlops.get_provider_info import get_provider_info
from airflow_mlops.store.database import Database

FEATURES = ["x", "z"]


def linear(train: Any, validation: Any, run: Any, C: float = 1.0, seed: int | None = None) -> Any:
    run.log(metrics={"loss": 0.5}, step=3)
    model = LogisticRegression(C=C, random_state=seed).fit(train[FEATURES], train["y"])
    return model, {"rows_seen": len(train) + len(validation)}


def task_of(function: Callable[..., Any], *args: Any, settings: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    arguments = {"target": "y", "features": FEATURES, "experiment": "e", **(settings or {})}
    with DAG("d"):
        return train_model_task(function, **arguments)(*args, **kwargs).operator  # type: ignore[call-arg]


@pytest.fixture
def refs(root: SnapshotRoot, people: Any) -> dict[str, Any]:
    return {part: root.write(part, people(200, seed)).to_dict() for seed, part in enumerate(("train", "validation"))}


@pytest.fixture
def execute(mlflow_client: Any, database: Database, root: SnapshotRoot) -> Callable[..., Any]:
    """Execute a task on the test's store and MLflow."""

    def run(task: TrainModelDecoratedOperator, **context: Any) -> Any:
        task.__dict__["store"] = SimpleNamespace(database=database, snapshots=root)
        task.__dict__["mlflow_hook"] = SimpleNamespace(client=mlflow_client, artifact_location=None)
        ti = SimpleNamespace(dag_id="d", run_id="r", task_id=task.task_id, map_index=-1, **context)
        task.render_template_fields({})  # type: ignore[typeddict-item]
        return task.execute({"ti": ti})  # type: ignore[typeddict-item]

    return run


def test_the_function_s_model_is_a_finished_run_with_its_metrics_and_arguments(
    execute: Any, mlflow_client: Any, root: SnapshotRoot, refs: dict[str, Any]
) -> None:
    bundle = SimpleNamespace(name="models", version="4f2a")
    result = execute(task_of(linear, **refs, C=0.5, settings={"seed": "7"}), bundle_instance=bundle)
    ref = RunRef.from_dict(result)
    run = mlflow_client.get_run(ref.run_id)
    assert (run.info.status, ref.candidate, ref.metric) == ("FINISHED", "linear", "roc_auc")
    assert run.data.tags["mlops.key"] == "d/r/linear/-1"
    assert run.data.tags["mlops.dag_run"] == "d/r"
    assert run.data.tags["mlops.code_version"] == "bundle:models@4f2a"
    assert {n: run.data.params[n] for n in ("build", "param.C", "param.seed", "seed", "train_snapshot")} == {
        "build": "linear", "param.C": "0.5", "param.seed": "7", "seed": "7", "train_snapshot": refs["train"]["id"],
    }  # fmt: skip
    assert "param.run" not in run.data.params
    assert run.data.metrics["rows_seen"] == 400
    assert [(m.value, m.step) for m in mlflow_client.get_metric_history(ref.run_id, "loss")] == [(0.5, 3)]
    assert ref.score == run.data.metrics["validation_roc_auc"]
    folder = loading.local_folder(f"{run.info.artifact_uri}/{ref.artifact}", "")
    frame = root.open(refs["train"]).to_pandas()
    expected = LogisticRegression(C=0.5).fit(frame[FEATURES], frame["y"]).predict_proba(frame[FEATURES])[:, 1]
    assert predict(loading.load_model(folder, ref.digest), frame[FEATURES]) == pytest.approx(expected)


def test_a_retry_returns_the_finished_run_without_another_call(execute: Any, refs: dict[str, Any]) -> None:
    called: list[int] = []

    def counted(train: Any, validation: Any) -> Any:
        called.append(1)
        return LogisticRegression().fit(train[FEATURES], train["y"])

    first, again = (execute(task_of(counted, **refs)) for _ in range(2))
    assert first == again
    assert called == [1]


def test_a_function_that_fails_leaves_a_failed_run_and_may_be_retried(
    execute: Any, mlflow_client: Any, refs: dict[str, Any]
) -> None:
    with pytest.raises(ZeroDivisionError):
        execute(task_of(lambda train, validation: 1 / 0, **refs, settings={"task_id": "t"}))
    execute(task_of(linear, **refs, settings={"task_id": "t"}))
    experiment = mlflow_client.get_experiment_by_name("e").experiment_id
    assert sorted(r.info.status for r in mlflow_client.search_runs([experiment])) == ["FAILED", "FINISHED"]


@pytest.mark.parametrize(
    ("returned", "message"),
    [(None, "returned NoneType, not a model"), (LogisticRegression(), "is not fitted")],
)
def test_an_invalid_model_fails_without_a_retry(
    execute: Any, refs: dict[str, Any], returned: Any, message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        execute(task_of(lambda train, validation: returned, **refs, settings={"task_id": "t"}))


def test_arguments_may_be_given_by_position_and_defaults_are_recorded(
    execute: Any, mlflow_client: Any, refs: dict[str, Any]
) -> None:
    def fit(train: Any, validation: Any, C: float = 2.0, **more: Any) -> Any:
        return LogisticRegression(C=C, **more).fit(train[FEATURES], train["y"])

    result = execute(task_of(fit, refs["train"], refs["validation"], max_iter=50))
    params = mlflow_client.get_run(result["run_id"]).data.params
    assert {k: v for k, v in params.items() if k.startswith("param.")} == {"param.C": "2.0", "param.max_iter": "50"}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda validation: None, "needs the parameter 'train'"),
        (lambda train: None, "needs the parameter 'validation'"),
        (lambda train, validation, *rest: None, "cannot be passed by name: 'rest'"),
    ],
)
def test_an_invalid_function_is_rejected_at_dag_parsing(function: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        task_of(function, train={}, validation={})


def test_it_is_mapped_over_the_function_s_own_arguments(refs: dict[str, Any]) -> None:
    with DAG("d") as dag:
        task = train_model_task(target="y", features=FEATURES)(linear)  # type: ignore[call-arg]
        task.partial(**refs).expand(C=[0.1, 1.0])
    mapped = dag.get_task("linear")
    assert mapped.is_mapped
    assert mapped.operator_class is TrainModelDecoratedOperator


def test_airflow_finds_it_as_task_train_model() -> None:
    (decorator,) = get_provider_info()["task-decorators"]
    assert decorator == {"name": "train_model", "class-name": f"{train_model_task.__module__}.train_model_task"}
