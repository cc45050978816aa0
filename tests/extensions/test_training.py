"""Row source, split rule, runtime, model format and metric of a third party, in one training after another."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_mlops.api import SnapshotRef
from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.gate import EvaluationGateOperator
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.promote import PromoteModelOperator
from airflow_mlops.operators.register import RegisterModelOperator
from airflow_mlops.operators.score import ScoreDatasetOperator
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.operators.train import TrainModelOperator

FEATURES = ["age", "noise"]


@dataclass(frozen=True)
class Extensions:
    """One extension of each kind that a training uses, and what shows that it was used."""

    source: str
    split: str
    split_path: str
    metric: str
    runtime: Any
    runtime_label: str
    format: str
    file: str
    split_options: dict[str, Any] = field(default_factory=dict)
    trusted_types: list[str] = field(default_factory=list)


NAMED = Extensions(
    source="crm",
    split="by_region",
    split_path="acme_mlops.splits:ByRegion",
    split_options={"test_region": "north", "validation_region": "east"},
    metric="profit",
    runtime={"kind": "nice", "level": 3},
    runtime_label="nice 3",
    format="acme_json",
    file="threshold.json",
)
BY_PATH = Extensions(
    source="acme_mlops.by_path:whole_crm",
    split="acme_mlops.by_path:ByParity",
    split_path="acme_mlops.by_path:ByParity",
    metric="acme_mlops.by_path:cost",
    runtime="acme_mlops.by_path:Direct",
    runtime_label="direct",
    format="acme_mlops.by_path:TextFormat",
    file="threshold.txt",
    trusted_types=["acme_mlops.by_path:TextFormat"],
)


def training(dag_id: str, column: str, used: Extensions) -> DAG:
    """Train a model that looks at one column, gate it, and score the rows with the champion."""
    trusted = {"trusted_types": used.trusted_types}
    policy = {
        "metric": used.metric,
        "min_rows": 200,
        "min_positives": 50,
        "floors": {used.metric: -1 if used is NAMED else 9},
    }
    with DAG(dag_id, schedule=None) as dag:
        ingest = IngestDatasetOperator(
            task_id="ingest", dataset="leads", partition="2026-04-06", source=used.source, source_options={"rows": 3000}
        )
        split = SplitDatasetOperator(
            task_id="split", snapshot=ingest.output, method=used.split, method_options=used.split_options
        )
        train = TrainModelOperator(
            task_id="train",
            build="acme_mlops.models:Threshold",
            model_params={"column": column},
            train=split.output["train"],
            validation=split.output["validation"],
            target="left",
            features=FEATURES,
            metric=used.metric,
            runtime=used.runtime,
            **trusted,
        )
        parts = {part: split.output[part] for part in ("train", "validation", "test")}
        register = RegisterModelOperator(task_id="register", model="m", run=train.output, data=parts, features=FEATURES)
        evaluate = EvaluateModelOperator(
            task_id="evaluate",
            challenger=register.output,
            test=split.output["test"],
            target="left",
            key=["id"],
            features=FEATURES,
            metric=used.metric,
            importance=False,
            cost=False,
            train_sample=0,
            **trusted,
        )
        gate = EvaluationGateOperator(
            task_id="gate",
            evaluation=evaluate.output,
            challenger=register.output,
            policy={"gate": policy},
            if_promote="promote",
            if_reject="reject",
        )
        promote = PromoteModelOperator(task_id="promote", challenger=register.output, gate=gate.output)
        score = ScoreDatasetOperator(
            task_id="score",
            model="m",
            snapshot=split.output["test"],
            key=["id"],
            features=FEATURES,
            trigger_rule="none_failed",
            **trusted,
        )
        gate >> [promote, EmptyOperator(task_id="reject")] >> score
    return dag


@pytest.mark.parametrize("used", [NAMED, BY_PATH], ids=["entry points", "import paths"])
def test_their_metric_promotes_the_better_model_and_rejects_the_worse(
    used: Extensions, run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    first, better, worse = (
        run_dag(training(f"training_{number}", column, used)) for number, column in enumerate(["noise", "age", "noise"])
    )

    assert [run.state for run in (first, better, worse)] == ["success"] * 3
    decisions = [run.xcom("gate")["decision"] for run in (first, better, worse)]
    assert decisions == ["promote_first", "promote", "reject"]
    assert worse.states["promote"] == "skipped"
    champion = better.xcom("register")
    assert better.xcom("promote")["version"] == champion["version"] == 2
    assert worse.xcom("score")["id"] == better.xcom("score")["id"], "the champion has not changed"

    run = lifecycle.client.get_run(better.xcom("train")["run_id"])
    values = [run.xcom("train")["score"] for run in (first, better)]
    assert values[0] < 0 < values[1] if used is NAMED else values[0] > values[1] > 0
    assert run.data.metrics[f"validation_{used.metric}"] == pytest.approx(values[1])
    assert run.data.tags["mlops.runtime"] == used.runtime_label
    stored = [file.parents[1] / "native.json" for file in lifecycle.folder.rglob(used.file)]
    assert [json.loads(file.read_text())["format"] for file in stored] == [used.format] * 3

    rule = better.xcom("split", "rule")
    assert (rule["method"], rule["left_out"]) == (used.split_path, 0)
    test = lifecycle.root.open(SnapshotRef.from_dict(better.xcom("split", "test"))).to_pandas()
    assert (test["region"] == "north").all() if used is NAMED else (test["id"] % 4 == 0).all()
    scores = lifecycle.root.open(SnapshotRef.from_dict(better.xcom("score"))).to_pandas()
    both = scores.merge(test, on="id")
    assert len(both) == len(test) > 200
    assert set(both["score"]) == {0.1, 0.9}
    assert both.loc[both["score"] == 0.9, "age"].min() > both.loc[both["score"] == 0.1, "age"].max()
