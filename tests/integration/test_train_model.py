"""Training of every kind, run by ``dag.test`` on a store, a snapshot root and an MLflow of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_mlops.common.refs import RunRef
from airflow_mlops.core.models.loading import LoadingOptions, load_version
from airflow_mlops.core.models.native import NativeClassifier
from airflow_mlops.core.models.prediction import predict
from airflow_mlops.decorators.train_model import train_model_task
from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.gate import EvaluationGateOperator
from airflow_mlops.operators.promote import PromoteModelOperator
from airflow_mlops.operators.register import RegisterModelOperator
from airflow_mlops.operators.train import SelectChallengerOperator, TrainModelOperator
from airflow_mlops.store import ledger, reports, versions

Run = Callable[..., Any]
FEATURES = ["x", "plan"]
CONTRACT = {
    "name": "shop",
    "key": "id",
    "columns": {
        "id": {"type": "int"},
        "x": {"type": "float", "role": "feature"},
        "plan": {"type": "category", "values": ["a", "b"], "role": "feature"},
    },
}


def customers(seed: int, rows: int = 500) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.arange(rows) + 10_000 * seed, "x": rng.normal(size=rows)})
    frame["plan"] = rng.choice(["a", "b"], rows)
    signal = 2 * frame["x"] + (frame["plan"] == "b") + rng.normal(size=rows)
    frame["left"] = (signal > 0.5).astype(int)
    frame["kind"] = np.select([signal > 1, signal < -0.5], ["gone", "loyal"], "wavering")
    frame["spent"] = 10 * signal
    frame["weight"] = rng.uniform(1, 2, rows)
    return frame


@pytest.fixture
def parts(lifecycle: Any) -> dict[str, dict[str, Any]]:
    names = ("train", "validation", "test")
    return {
        name: lifecycle.root.write(name, customers(seed), partition="2026-04-06").to_dict()
        for seed, name in enumerate(names)
    }


def encoded(model: Any) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    columns = make_column_transformer((OneHotEncoder(), ["plan"]), remainder="passthrough")
    return Pipeline([("columns", columns), ("model", model)])


def logistic(seed: int = 0) -> Any:
    from sklearn.linear_model import LogisticRegression

    return encoded(LogisticRegression(random_state=seed))


def ridge() -> Any:
    from sklearn.linear_model import Ridge

    return encoded(Ridge())


def boosted(train: pd.DataFrame, validation: pd.DataFrame, run: Any, leaves: int, broken: str) -> Any:
    """A training loop of a team's own, whose first attempt is killed after it has logged something."""
    from lightgbm import LGBMClassifier

    run.log(metrics={"begun": 1}, step=0)
    if not Path(broken).exists():
        Path(broken).touch()
        raise OSError("the disk was full")
    model = LGBMClassifier(n_estimators=20, num_leaves=leaves, n_jobs=1, verbose=-1)
    model = encoded(model).fit(train[FEATURES], train["left"])
    return model, {"leaves": leaves}


def test_a_training_loop_with_lightgbm_is_chosen_registered_evaluated_gated_and_promoted(
    run_dag: Run, lifecycle: Any, parts: dict[str, Any]
) -> None:
    pytest.importorskip("lightgbm")
    with DAG("loop", schedule=None) as dag:
        decorated = train_model_task(target="left", contract=CONTRACT, retries=1, retry_delay=0, seed=3)(boosted)
        trained = decorated.partial(  # type: ignore[attr-defined]
            train=parts["train"], validation=parts["validation"], broken=str(lifecycle.folder / "broken")
        ).expand(leaves=[4, 8])
        select = SelectChallengerOperator(task_id="select", candidates=trained)
        register = RegisterModelOperator(
            task_id="register", model="m", run=select.output, data=parts, contract=CONTRACT
        )
        evaluate = EvaluateModelOperator(
            task_id="evaluate", challenger=register.output, test=parts["test"], target="left", key=["id"],
            contract=CONTRACT, importance=False, cost=False,
        )  # fmt: skip
        gate = EvaluationGateOperator(
            task_id="gate", evaluation=evaluate.output, challenger=register.output, if_promote="promote",
            if_reject="reject", policy={"gate": {"metric": "roc_auc", "min_rows": 100, "floors": {"roc_auc": 0.7}}},
        )  # fmt: skip
        promote = PromoteModelOperator(task_id="promote", challenger=register.output, gate=gate.output, reason="a test")
        gate >> [promote, EmptyOperator(task_id="reject")]

    run = run_dag(dag)

    assert run.state == "success"
    assert run.tasks["boosted"] == ["success", "success"]
    experiment = lifecycle.client.get_experiment_by_name("loop").experiment_id
    runs = lifecycle.client.search_runs([experiment])
    assert sorted(r.info.status for r in runs) == ["FAILED", "FINISHED", "FINISHED"]
    chosen = RunRef.from_dict(run.xcom("select"))
    given = [RunRef.from_dict(run.xcom("boosted", map_index=i)) for i in range(2)]
    assert chosen.score == max(ref.score for ref in given)
    made = lifecycle.client.get_run(chosen.run_id)
    assert made.data.tags["mlops.dag_run"] == f"loop/{run.run.run_id}"
    assert made.data.tags["mlops.code_version"] != "unknown"
    assert made.data.params["seed"] == "3"
    assert made.data.metrics["leaves"] in (4, 8)
    # It is kept without a pickle, loaded by its digest, and the champion now.
    version = versions.get(lifecycle.database, "m", 1)
    model = load_version(version, lifecycle.client.tracking_uri, loading=LoadingOptions(in_process=True))
    assert isinstance(model, NativeClassifier)
    report = reports.get(lifecycle.database, run.xcom("evaluate")["id"])
    assert report.facts["roles"]["challenger"]["metrics"]["roc_auc"] > 0.8
    assert predict(model, customers(2)[FEATURES]).shape == (500,)
    assert [entry.version for entry in ledger.history(lifecycle.database, "m")] == [1]


def test_candidates_of_each_task_are_trained_with_weights_and_seeds_and_what_cannot_be_fails_at_once(
    run_dag: Run, lifecycle: Any, parts: dict[str, Any]
) -> None:
    rows = {part: parts[part] for part in ("train", "validation")}
    with DAG("kinds", schedule=None, default_args={"retries": 1, "retry_delay": 0}) as dag:
        common: dict[str, Any] = {**rows, "features": FEATURES}
        TrainModelOperator.partial(
            task_id="two", build=logistic, target="left", class_weight="balanced", sample_weight="weight", **common
        ).expand(seed=[1, 2])
        TrainModelOperator(
            task_id="three", build=logistic, target="kind", metric="log_loss_multiclass", **common,
            class_weight={"gone": 2, "loyal": 1, "wavering": 1}, seed="{{ 3 + 1 }}", input_example="{{ false }}",
        )  # fmt: skip
        TrainModelOperator(
            task_id="number", build=ridge, target="spent", metric="rmse", sample_weight="weight", **common
        )
        TrainModelOperator(task_id="wrong", build=ridge, target="kind", metric="rmse", **common)

    run = run_dag(dag)

    assert run.tasks == {
        "two": ["success", "success"], "three": ["success"], "number": ["success"], "wrong": ["failed"],
    }  # fmt: skip
    assert {ti.try_number for ti in run.run.get_task_instances()} == {1}
    two = [lifecycle.client.get_run(run.xcom("two", map_index=i)["run_id"]).data.params for i in range(2)]
    assert [(p["seed"], p["class_weight"], p["sample_weight"]) for p in two] == [
        ("1", "balanced", "weight"),
        ("2", "balanced", "weight"),
    ]
    three = lifecycle.client.get_run(run.xcom("three")["run_id"])
    assert three.data.params["seed"] == "4"
    assert three.data.metrics["validation_accuracy_multiclass"] > 0.6
    files = [f.path for f in lifecycle.client.list_artifacts(three.info.run_id, "model")]
    assert not [f for f in files if "example" in f]
    assert lifecycle.client.get_run(run.xcom("number")["run_id"]).data.metrics["validation_r2"] > 0.5
