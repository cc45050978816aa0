"""Scoring by ``dag.test``: a registered champion, rows in batches, scores in files and in the company's table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from airflow.sdk import DAG
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.registry.registration import register
from airflow_mlops.core.scoring.prediction_log import PredictionLog
from airflow_mlops.core.training.fit import Candidate, TrainingJob, train
from airflow_mlops.operators.score import ScoreDatasetOperator
from airflow_mlops.store import catalogue, ledger, score_sets

FEATURES, WEEK = ["x", "z"], "2026-05-04"


def people(seed: int, rows: int = 300, classes: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.arange(rows) + 1000 * seed, "x": rng.normal(size=rows), "z": rng.normal(size=rows)})
    return frame.assign(y=(frame["x"] > 0).astype(int) + (classes > 2) * (frame["z"] > 0).astype(int))


def boosted() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=10, random_state=0)


def champion(lifecycle: Any, classes: int = 2, effective_at: str = "2026-04-01") -> ModelVersionRef:
    if lifecycle.client.get_experiment_by_name("e") is None:
        lifecycle.client.create_experiment("e", artifact_location=(lifecycle.folder / "artifacts").as_uri())
    head = ledger.head(lifecycle.database, "m")
    epoch = 0 if head is None else head.revision
    key, seeds = f"d/r{epoch}", {"train": 10 * epoch, "validation": 10 * epoch + 1}
    parts = {
        part: lifecycle.root.write(f"{part}-{epoch}", people(seed, classes=classes)) for part, seed in seeds.items()
    }
    opened = {part: lifecycle.root.open(ref) for part, ref in parts.items()}
    metric = "log_loss_multiclass" if classes > 2 else "roc_auc"
    candidate = Candidate("c", boosted, FEATURES, "y", metric=metric)
    job = TrainingJob(**opened, experiment="e", key=f"{key}/train")
    run = train(lifecycle.client, lifecycle.database, candidate, job)
    baseline = profile(opened["train"], columns=FEATURES).to_dict()
    ref = register(
        lifecycle.client, lifecycle.database, model="m", run=run, data=parts, baseline=baseline, contract=None,
        cutoff=None, key=f"{key}/register",
    )  # fmt: skip
    moment = datetime.fromisoformat(effective_at).replace(tzinfo=UTC)
    ledger.append(
        lifecycle.database, model="m", expected_revision=epoch or None, version=ref.version, digest=ref.digest,
        gate_report=None, approver=None, reason="r", actor=key, effective_at=moment,
    )  # fmt: skip
    return ref


@pytest.fixture
def log(lifecycle: Any, monkeypatch: pytest.MonkeyPatch) -> PredictionLog:
    path = lifecycle.folder / "company.db"
    monkeypatch.setenv("AIRFLOW_CONN_COMPANY", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return PredictionLog(create_engine(f"sqlite:///{path}", poolclass=NullPool), "predictions")


@pytest.fixture
def week(lifecycle: Any) -> pd.DataFrame:
    frame = people(7, 500)

    def chunks() -> Iterator[pd.DataFrame]:
        return (frame[first : first + 250] for first in (0, 250))

    catalogue.record(lifecycle.database, lifecycle.root.write("weeks", chunks(), partition=WEEK))
    return frame


def scoring(**how: Any) -> DAG:
    with DAG("scoring_test", schedule=None) as dag:
        ScoreDatasetOperator(
            task_id="score", model="m", snapshot=f"weeks@{WEEK}", key=["id"], features=FEATURES, batch_rows=120, **how
        )
    return dag


def test_files_and_table_have_every_row_once_and_a_second_run_scores_nothing(
    run_dag: Callable[..., Any], lifecycle: Any, log: PredictionLog, week: pd.DataFrame
) -> None:
    version = champion(lifecycle)
    to = {"conn_id": "company", "table": "predictions"}
    first = run_dag(scoring(**to))
    assert first.state == "success"
    scores = lifecycle.root.open(first.xcom("score")).to_pandas()
    assert scores["id"].tolist() == week["id"].tolist()
    assert set(scores["model_version"]) == {version.version}
    assert ((scores["score"] > 0.5) == (week["x"] > 0)).mean() > 0.95
    (by,) = log.versions("m", WEEK)
    pd.testing.assert_frame_equal(
        log.read(by, ["id", "score"]).sort_values("id", ignore_index=True), scores[["id", "score"]], check_dtype=False
    )
    again = run_dag(scoring(**to))
    assert again.xcom("score") == first.xcom("score")
    assert log.versions("m", WEEK) == [by]
    (kept,) = score_sets.of_partition(lifecycle.database, "m", WEEK)
    assert kept.actor.startswith("scoring_test/")


@pytest.mark.usefixtures("week")
def test_a_backfill_scores_by_the_champion_of_the_date_beside_the_scores_of_now(
    run_dag: Callable[..., Any], lifecycle: Any, log: PredictionLog
) -> None:
    old, new = champion(lifecycle), champion(lifecycle, effective_at="2026-06-01")
    to = {"conn_id": "company", "table": "predictions"}
    assert run_dag(scoring(**to)).state == "success"
    assert run_dag(scoring(champion_at=WEEK, **to)).state == "success"
    assert [by.version for by in log.versions("m", WEEK)] == [new.version, old.version]
    assert [log.count(by) for by in log.versions("m", WEEK)] == [500, 500]
    current = lifecycle.root.open(catalogue.current(lifecycle.database, "m_scores", WEEK)).to_pandas()
    assert set(current["model_version"]) == {old.version}


@pytest.mark.usefixtures("week")
def test_three_classes_have_a_column_each(run_dag: Callable[..., Any], lifecycle: Any, log: PredictionLog) -> None:
    champion(lifecycle, classes=3)
    ran = run_dag(scoring(conn_id="company", table="predictions"))
    scores = lifecycle.root.open(ran.xcom("score")).to_pandas()
    chances = scores[["score_0", "score_1", "score_2"]]
    assert np.allclose(chances.sum(axis=1), 1)
    assert (scores["score"] == chances.to_numpy().argmax(axis=1).astype(str)).all()
    (by,) = log.versions("m", WEEK)
    assert set(log.read(by)["score"]) == {"0", "1", "2"}


@pytest.mark.usefixtures("week")
def test_a_table_without_its_connection_fails_at_once(run_dag: Callable[..., Any], lifecycle: Any) -> None:
    champion(lifecycle)
    assert run_dag(scoring(table="predictions")).states == {"score": "failed"}
    assert not (lifecycle.folder / "snapshots" / "m_scores").exists()
