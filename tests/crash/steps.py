"""The steps that are broken off: operators as a DAG has them, over a small business of three training runs.

``r1`` has made a weak champion, ``r3`` a challenger that is gated and waits; ``r2`` is the run whose steps are killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

MODEL, DAG_ID, PARTITION = "m", "crash", "2026-04-13"
FEATURES = ["x", "z"]
POLICY = {"gate": {"metric": "roc_auc", "min_rows": 100, "resamples": 50}}
ROWS = 300
SEEDS = {"r1": 1, "r2": 2, "r3": 3}
Inputs = Mapping[str, Any]


def chunks(seed: int, rows: int = ROWS, count: int = 2) -> Iterator[Any]:
    """Yield rows to learn from, in chunks: ``y`` goes by ``x`` and, less so, by ``z``."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.arange(rows) + 100_000 * seed, "x": rng.normal(size=rows)})
    frame["z"] = rng.normal(size=rows)
    frame["y"] = (rng.random(rows) < 1 / (1 + np.exp(-2 * frame["x"] - frame["z"]))).astype(int)
    size = rows // count
    for first in range(0, rows, size):
        yield frame[first : first + size].reset_index(drop=True)


def good_estimator(C: float = 1.0) -> Any:
    """Return an estimator that can learn it."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C)


def weak_estimator() -> Any:
    """Return an estimator that uses the wrong column."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(make_column_transformer(("passthrough", ["z"])), LogisticRegression())


@dataclass(frozen=True)
class Step:
    """One step of a run.

    :param name: its name, which is also the task's.
    :param gives: under which name later steps take what it gives.
    :param operator: makes the operator from what earlier steps gave, for a run.
    :param run_type: of the DAG run that it is in.
    """

    name: str
    gives: str
    operator: Callable[[str, Inputs], Any]
    run_type: str = "manual"

    def key(self, run: str) -> str:
        """The task's key in a run."""
        return f"{DAG_ID}/{run}/{self.name}/-1"


def _ingest(run: str, _: Inputs) -> Any:
    from airflow_mlops.operators.ingest import IngestDatasetOperator

    return IngestDatasetOperator(
        task_id="ingest", dataset=f"train_{run}", rows=lambda partition: chunks(SEEDS[run]), partition=PARTITION
    )


def _train(run: str, given: Inputs) -> Any:
    from airflow_mlops.operators.train import TrainModelOperator

    build = weak_estimator if run == "r1" else good_estimator
    params = {"C": 0.5} if run == "r3" else {}
    parts = {"train": given["train"], "validation": given["validation"]}
    return TrainModelOperator(task_id="train", build=build, model_params=params, target="y", features=FEATURES, **parts)


def _tune(run: str, given: Inputs) -> Any:
    from airflow_mlops.operators.tune import TuneModelOperator

    parts = {"train": given["train"], "validation": given["validation"]}
    space = {"C": [0.01, 0.1, 1.0]}
    return TuneModelOperator(
        task_id="tune", build=good_estimator, space=space, method="grid", target="y", features=FEATURES, **parts
    )


def _register(run: str, given: Inputs) -> Any:
    from airflow_mlops.operators.register import RegisterModelOperator

    data = {part: given[part] for part in ("train", "validation", "test")}
    return RegisterModelOperator(task_id="register", model=MODEL, run=given["run"], data=data, features=FEATURES)


def _evaluate(run: str, given: Inputs) -> Any:
    from airflow_mlops.operators.evaluate import EvaluateModelOperator

    return EvaluateModelOperator(
        task_id="evaluate", challenger=given["version"], test=given["test"], target="y", key=["id"],
        features=FEATURES, importance=False, cost=False, train_sample=0,
    )  # fmt: skip


def _gate(run: str, given: Inputs) -> Any:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG

    from airflow_mlops.operators.gate import EvaluationGateOperator

    with DAG(DAG_ID):
        gate = EvaluationGateOperator(
            task_id="gate", evaluation=given["evaluation"], challenger=given["version"], policy=POLICY,
            if_promote="promote", if_hold="held", if_reject="rejected",
        )  # fmt: skip
        gate >> [EmptyOperator(task_id=name) for name in ("promote", "held", "rejected")]
    return gate


def _promote(run: str, given: Inputs) -> Any:
    from airflow_mlops.operators.promote import PromoteModelOperator

    return PromoteModelOperator(task_id="promote", challenger=given["version"], gate=given["gate"])


def _promote_in_backfill(run: str, given: Inputs) -> Any:
    from airflow_mlops.operators.promote import PromoteModelOperator

    return PromoteModelOperator(task_id="backfill", challenger=given["version"], gate=given["gate"])


def _score(run: str, given: Inputs) -> Any:
    from airflow_mlops.operators.score import ScoreDatasetOperator

    return ScoreDatasetOperator(task_id="score", model=MODEL, snapshot=given["train"], key=["id"], features=FEATURES)


def _rollback(run: str, _: Inputs) -> Any:
    from airflow_mlops.operators.rollback import RollbackModelOperator

    return RollbackModelOperator(task_id="rollback", model=MODEL, reason="it is worse than it looked")


STEPS = {
    step.name: step
    for step in (
        Step("ingest", "train", _ingest),
        Step("train", "run", _train),
        Step("tune", "run", _tune),
        Step("register", "version", _register),
        Step("evaluate", "evaluation", _evaluate),
        Step("gate", "gate", _gate),
        Step("backfill", "nothing", _promote_in_backfill, "backfill"),
        Step("promote", "entry", _promote),
        Step("score", "scores", _score),
        Step("rollback", "back", _rollback),
    )
}
TRAINING = ("ingest", "train", "register", "evaluate", "gate")
CHAIN = (*TRAINING, "promote", "score", "rollback")


def context(step: Step, run: str, task: Any, number: int, pushed: dict[str, Any]) -> dict[str, Any]:
    """Return Airflow's context of a task at its n-th try."""

    def push(key: str, value: Any) -> None:
        pushed[key] = value

    ti = SimpleNamespace(
        dag_id=DAG_ID, run_id=run, task_id=step.name, map_index=-1, try_number=number, id=f"{number:032x}",
        task=task, xcom_push=push,
    )  # fmt: skip
    dag_run = SimpleNamespace(run_id=run, run_type=step.run_type, partition_key=PARTITION)
    return {"ti": ti, "dag_run": dag_run, "outlet_events": {}}
