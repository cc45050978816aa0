"""Tuning, run by ``dag.test`` on a store, a snapshot root and an MLflow of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from airflow.sdk import DAG
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.refs import RunRef
from airflow_mlops.core.training.tuning.tune import TRIALS_FILE
from airflow_mlops.operators.train import SelectChallengerOperator
from airflow_mlops.operators.tune import TuneModelOperator

Run = Callable[..., Any]
RATE = {"low": 1e-3, "high": 10, "log": True}
FILE = """
space:
  C: {low: 0.001, high: 10, log: true}
  fit_intercept: [true, false]
method: random
trials: 6
folds: 2
group: id
"""


@pytest.fixture
def rows(lifecycle: Any) -> dict[str, dict[str, Any]]:
    found = {}
    for seed, part in enumerate(("train", "validation")):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame({"id": np.arange(300) + 1_000 * seed, "x": rng.normal(size=300)})
        frame["left"] = (frame["x"] + rng.normal(size=300) > 0).astype(int)
        found[part] = lifecycle.root.write(part, frame, partition="2026-04-06").to_dict()
    return found


def logistic(**keywords: Any) -> LogisticRegression:
    return LogisticRegression(**keywords)


def plain(C: float = 1.0, fit_intercept: bool = True, random_state: int = 0) -> LogisticRegression:
    return LogisticRegression(C=C, fit_intercept=fit_intercept, random_state=random_state)


def fragile(C: float, broken: str) -> LogisticRegression:
    """Runs out of memory in its eighth fit, and never again."""
    count = Path(broken)
    built = int(count.read_text()) if count.exists() else 0
    count.write_text(str(built + 1))
    if built == 8:
        raise MemoryError("no room")
    return LogisticRegression(C=C)


def trials_of(lifecycle: Any, ref: dict[str, Any]) -> list[dict[str, Any]]:
    path = lifecycle.client.download_artifacts(RunRef.from_dict(ref).run_id, TRIALS_FILE, str(lifecycle.folder))
    return list(json.loads(Path(path).read_text())["trials"])


def test_candidates_and_parts_of_a_search_are_tuned_side_by_side_and_the_best_is_chosen(
    run_dag: Run, lifecycle: Any, rows: dict[str, Any]
) -> None:
    (lifecycle.folder / "tuning.yaml").write_text(FILE)
    with DAG("parallel_tuning", schedule=None) as dag:
        common: dict[str, Any] = {
            **rows,
            "space": str(lifecycle.folder / "tuning.yaml"),
            "target": "left",
            "features": ["x"],
        }
        candidates = TuneModelOperator.partial(task_id="tune", seed=2, **common).expand(build=[logistic, plain])
        parts = TuneModelOperator.partial(task_id="parts", build=plain, trials="{{ 3 + 2 }}", parts=2, **common)
        SelectChallengerOperator(task_id="select", candidates=candidates.output)
        SelectChallengerOperator(task_id="select_part", candidates=parts.expand(part=[0, 1]).output)

    run = run_dag(dag)

    assert run.state == "success"
    chosen = RunRef.from_dict(run.xcom("select"))
    given = [RunRef.from_dict(run.xcom("tune", map_index=i)) for i in range(2)]
    assert [ref.candidate for ref in given] == ["logistic", "plain"]
    assert chosen.score == max(ref.score for ref in given) > 0.7
    made = lifecycle.client.get_run(chosen.run_id)
    assert made.data.tags["mlops.dag_run"] == f"parallel_tuning/{run.run.run_id}"
    assert (made.data.metrics["trials"], made.data.params["tuning.seed"]) == (6, "2")
    numbers = [[t["number"] for t in trials_of(lifecycle, run.xcom("parts", map_index=i))] for i in range(2)]
    assert numbers == [[0, 2, 4], [1, 3]]


def test_a_retry_goes_on_and_a_search_that_cannot_go_fails_at_once(
    run_dag: Run, lifecycle: Any, rows: dict[str, Any]
) -> None:
    pytest.importorskip("optuna")
    broken = lifecycle.folder / "broken"
    with DAG("resumed", schedule=None, default_args={"retries": 1, "retry_delay": 0}) as dag:
        common: dict[str, Any] = {**rows, "target": "left", "features": ["x"]}
        TuneModelOperator(
            task_id="tune", build=fragile, space={"C": RATE}, method="optuna", trials=12,
            model_params={"broken": str(broken)}, **common,
        )  # fmt: skip
        TuneModelOperator(task_id="wrong", build=plain, space={"D": RATE}, **common)

    run = run_dag(dag)

    assert run.tasks == {"tune": ["success"], "wrong": ["failed"]}
    assert {ti.task_id: ti.try_number for ti in run.run.get_task_instances()} == {"tune": 2, "wrong": 1}
    assert [trial["number"] for trial in trials_of(lifecycle, run.xcom("tune"))] == list(range(12))
    # Seven trials after the check, the one that broke; the check, the five that were left, the refit.
    assert int(broken.read_text()) == 1 + 7 + 1 + 1 + 5 + 1
