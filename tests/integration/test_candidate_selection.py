"""A retraining by drift of a model whose DAG searches: what its policy starts from is fitted, the rest is skipped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from airflow.sdk import DAG

from airflow_mlops.store import catalogue, episodes, ledger, versions
from airflow_mlops.task_groups import LabelledWindow, training_tasks

WEEKS = ("2026-04-06", "2026-04-13", "2026-04-20")
BUILD = "sklearn.linear_model:LogisticRegression"
GATE = {"metric": "roc_auc", "min_rows": 50, "min_positives": 20}
SPACE = {"space": {"C": [0.5, 2.0]}, "method": "grid"}


@pytest.fixture
def weeks(lifecycle: Any) -> None:
    for seed, week in enumerate(WEEKS):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame({"id": np.arange(600), "x": rng.normal(size=600)})
        left = (frame["x"] + rng.normal(size=600) > 0).astype(int)
        for dataset, rows in {"f": frame, "l": frame[["id"]].assign(left=left)}.items():
            catalogue.record(lifecycle.database, lifecycle.root.write(dataset, rows, partition=week))


def training(dag_id: str, start_from: str) -> DAG:
    with DAG(dag_id, schedule=None) as dag:
        training_tasks(
            model="m",
            rows=LabelledWindow(features="f", labels="l", label_delay=timedelta(days=7)),
            target="left",
            key="id",
            features=["x"],
            candidates=[BUILD],
            policy={"gate": GATE, "episode": {"retraining": {"start_from": start_from}}},
            tune=SPACE,
            train={"model_params": {"max_iter": 50}},
            split={"test": 0.3, "validation": 0.2},
            leakage=None,
            self_test=None,
            approval=None,
            card=None,
        )
    return dag


@pytest.mark.usefixtures("weeks")
def test_the_champion_found_by_a_search_is_fitted_again_without_one_and_a_new_tuning_searches(
    run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    first = run_dag(training("by_hand", "champion"))
    assert first.state == "success"
    assert (first.tasks["train"], first.tasks["tune"]) == (["skipped"], ["success"])
    champion = ledger.head(lifecycle.database, "m")
    assert champion is not None
    found = lifecycle.client.get_run(versions.get(lifecycle.database, "m", 1).run_id).data.params
    assert found["param.C"] in ("0.5", "2.0")

    for number, (start_from, fitted) in enumerate({"champion": "train", "tuning": "tune"}.items()):
        episode = episodes.open_episode(
            lifecycle.database, model="m", version=1, change_partition=WEEKS[1], report=None
        )
        assert episode is not None
        assert episodes.request(lifecycle.database, episode.id, partition=f"2026-05-{4 + number:02}", cutoff=WEEKS[2])
        run = run_dag(training(f"from_{start_from}", start_from))
        assert run.state == "success"
        assert run.xcom("plan")["cause"] == "drift"
        assert {task: run.tasks[task] for task in ("train", "tune")} == {
            task: ["success"] if task == fitted else ["skipped"] for task in ("train", "tune")
        }
        own = {"build": BUILD, "candidate": "LogisticRegression"}
        if start_from == "champion":
            params = {"C": float(found["param.C"]), "max_iter": 50}
            assert run.xcom("candidates") == [{**own, "model_params": params}]
        assert run.states["register"] == "success"
        assert episodes.current(lifecycle.database, "m") is None, "closed by what became of the run"
    assert len(versions.of_model(lifecycle.database, "m")) == 3
