"""A score set is made once and published everywhere, wherever its task was killed before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from airflow_mlops.common.errors import NotFound, Superseded
from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.monitoring.performance import check_performance
from airflow_mlops.core.scoring import ScoringJob
from airflow_mlops.core.scoring.logged_scores import LoggedScores
from airflow_mlops.core.scoring.prediction_log import PredictionLog
from airflow_mlops.core.scoring.publishing import publish_scores
from airflow_mlops.store import attempts, catalogue, score_sets
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

WEEK = "2026-04-06"


class Model:
    def __init__(self) -> None:
        self.batches = 0

    def predict(self, frame: pd.DataFrame) -> Any:
        self.batches += 1
        return frame["x"].to_numpy() / 100


@pytest.fixture
def log(tmp_path: Path) -> PredictionLog:
    return PredictionLog(create_engine(f"sqlite:///{tmp_path}/company.db", poolclass=NullPool), "predictions")


@pytest.fixture
def job(root: SnapshotRoot) -> ScoringJob:
    frame = pd.DataFrame({"id": np.arange(100), "x": np.arange(100.0)})
    rows = root.open(root.write("features", frame, partition=WEEK))
    version = ModelVersionRef("m", 1, "1" * 64, "run")
    return ScoringJob(rows, version, key=["id"], features=["x"], dataset="m_scores", batch_rows=30)


def no_model() -> Any:
    raise AssertionError("there is nothing left to score")


def test_files_store_table_and_catalogue_have_the_same_scores(
    database: Database, root: SnapshotRoot, job: ScoringJob, log: PredictionLog
) -> None:
    ref = publish_scores(database, root, job, Model, actor="d/r/score/-1", log=log)
    assert catalogue.current(database, "m_scores", WEEK) == ref
    (kept,) = score_sets.of_partition(database, "m", WEEK)
    assert (score_sets.ref_of(kept), kept.input_snapshot_id, kept.actor) == (ref, job.rows.ref.id, "d/r/score/-1")
    (by,) = log.versions("m", WEEK)
    assert (by.snapshot_id, by.scored_at) == (ref.id, kept.scored_at)
    columns = ["id", "score", "model_name", "model_version"]
    in_table = log.read(by, columns).sort_values("id", ignore_index=True)
    pd.testing.assert_frame_equal(in_table, root.open(ref).to_pandas(columns), check_dtype=False)
    assert not root.fs.exists(f"{root.path}/m_scores/staging/{job.staging_id}")


def test_run_again_nothing_is_scored_and_the_moment_stays(
    database: Database, root: SnapshotRoot, job: ScoringJob, log: PredictionLog
) -> None:
    first = publish_scores(database, root, job, Model, actor="a", log=log)
    (before,) = log.versions("m", WEEK)
    assert publish_scores(database, root, replace(job, batch_rows=7), no_model, actor="b", log=log) == first
    assert log.versions("m", WEEK) == [before]
    assert log.count(before) == 100


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("airflow_mlops.core.data.snapshots.snapshot.SnapshotRoot", "commit"),
        ("airflow_mlops.store.score_sets", "record"),
        ("airflow_mlops.core.scoring.prediction_log.PredictionLog", "load"),
        ("airflow_mlops.store.catalogue", "record"),
        ("airflow_mlops.core.data.snapshots.staging.Staging", "clear"),
    ],
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_before_or_after_any_step_the_next_attempt_ends_it_without_scoring(
    where: str,
    name: str,
    moment: str,
    database: Database,
    root: SnapshotRoot,
    job: ScoringJob,
    log: PredictionLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        pass

    original = getattr(resolve_name(where), name)

    def killed(*args: Any, **how: Any) -> None:
        if moment == "after":
            original(*args, **how)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(f"{where}.{name}", killed)
        with pytest.raises(Killed):
            publish_scores(database, root, job, Model, actor="a", log=log)
    ref = publish_scores(database, root, job, no_model, actor="a", log=log)
    assert root.open(ref).to_pandas()["id"].tolist() == list(range(100))
    assert [found.id for found in root.list_snapshots("m_scores")] == [ref.id]
    assert catalogue.current(database, "m_scores", WEEK) == ref
    assert [log.count(by) for by in log.versions("m", WEEK)] == [100]
    assert len(score_sets.of_partition(database, "m", WEEK)) == 1
    assert not root.fs.exists(f"{root.path}/m_scores/staging/{job.staging_id}")


def test_a_set_whose_files_are_gone_is_made_anew(database: Database, root: SnapshotRoot, job: ScoringJob) -> None:
    first = publish_scores(database, root, job, Model, actor="a")
    root.fs.rm(f"{root.path}/m_scores", recursive=True)
    again = publish_scores(database, root, job, Model, actor="b")
    assert again == first
    assert len(root.open(again).to_pandas()) == 100


def test_the_same_rows_under_another_partition_are_a_set_of_their_own(
    database: Database, root: SnapshotRoot, job: ScoringJob
) -> None:
    publish_scores(database, root, job, Model, actor="a")
    later = root.open(root.write("features", job.rows.to_pandas(), partition="2026-04-13"))
    ref = publish_scores(database, root, replace(job, rows=later), Model, actor="a")
    assert ref.partition == "2026-04-13"
    assert catalogue.current(database, "m_scores", WEEK).id == ref.id  # the same content
    assert len(score_sets.of_partition(database, "m", "2026-04-13")) == 1


def test_a_superseded_attempt_publishes_nothing(
    database: Database, root: SnapshotRoot, job: ScoringJob, log: PredictionLog
) -> None:
    zombie = database.fenced("k", attempts.begin(database, "k"))
    attempts.begin(database, "k")
    with pytest.raises(Superseded):
        publish_scores(zombie, root, job, Model, actor="a", log=log)
    assert score_sets.of_partition(database, "m", WEEK) == []
    with pytest.raises(NotFound):
        LoggedScores(log, "m", WEEK)


def test_labels_that_come_are_joined_with_the_log_as_with_the_snapshot(
    database: Database, root: SnapshotRoot, job: ScoringJob, log: PredictionLog
) -> None:
    with database.session() as session:
        session.add(
            Version(
                model="m", version=1, digest="1" * 64, run_id="run", artifact_uri="u", candidate="c", data={},
                baseline={}, contract=None, gate_report=None, actor="a", recorded_at=pd.Timestamp.now("UTC"),
            )
        )  # fmt: skip
    ref = publish_scores(database, root, job, Model, actor="a", log=log)
    frame = pd.DataFrame({"id": np.arange(50, 200), "y": np.arange(50, 200) % 2})
    labels = root.open(root.write("labels", frame, partition=WEEK))
    policy = {"performance": {"metric": "roc_auc", "min_rows": 20}}
    how: dict[str, Any] = {"model": "m", "key": "id", "target": "y", "policy": policy}
    by_file = check_performance(database, root.open(ref), labels, **how)
    logged: Any = LoggedScores(log, "m", WEEK)
    assert (logged.name, logged.ref.rows) == ("predictions 2026-04-06", 100)
    by_table = check_performance(database, logged, labels, **how)
    assert by_table.facts == by_file.facts
    assert by_table.facts["rows"] == 50
    with pytest.raises(NotFound, match="no scores of 2026-04-06 by version 7"):
        LoggedScores(log, "m", WEEK, version=7)


def test_another_version_has_a_set_beside_it(database: Database, root: SnapshotRoot, job: ScoringJob) -> None:
    refs: list[SnapshotRef] = []
    for number in (1, 2):
        version = ModelVersionRef("m", number, f"{number}" * 64, "run")
        refs.append(publish_scores(database, root, replace(job, version=version), Model, actor="a"))
    assert [s.version for s in score_sets.of_partition(database, "m", WEEK)] == [1, 2]
    assert catalogue.current(database, "m_scores", WEEK) == refs[1]
