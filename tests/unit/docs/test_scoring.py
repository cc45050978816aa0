"""What the page on scoring shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.data.snapshots.staging import RETENTION_DAYS
from airflow_mlops.core.scoring import BATCH_ROWS, ScoringJob
from airflow_mlops.core.scoring.prediction_log import PredictionLog
from airflow_mlops.core.scoring.publishing import publish_scores
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

PAGE = (Path(__file__).parents[3] / "docs" / "scoring.md").read_text(encoding="utf-8")
WEEK = "2026-04-06"


def block(label: str) -> str:
    (found,) = re.findall(rf"```{label}\n(.*?)```", PAGE, flags=re.DOTALL)
    return str(found)


def ran(label: str, **names: Any) -> dict[str, Any]:
    exec(compile(block(f"python {label}"), "docs/scoring.md", "exec"), names)
    return names


class Half:
    def predict(self, frame: pd.DataFrame) -> Any:
        return frame["x"].to_numpy() / 2


def test_the_task_can_be_made_as_it_stands_there() -> None:
    task = ran("scoring")["score"]
    assert (task.table, task.batch_rows) == ("ml.predictions", BATCH_ROWS)
    assert f"`batch_rows` ({BATCH_ROWS:,})" in PAGE
    assert RETENTION_DAYS == 7
    assert "continued for a week" in PAGE


def test_the_checks_can_be_made_as_they_stand_there() -> None:
    made = ran("checks")
    for name in ("performance", "concept", "estimate"):
        assert (made[name].scores, made[name].table) == (None, "ml.predictions")
    assert made["performance"].reevaluate_stale is True


def test_the_columns_and_the_query_work_as_shown(database: Database, root: SnapshotRoot, tmp_path: Path) -> None:
    log = PredictionLog(create_engine(f"sqlite:///{tmp_path}/company.db", poolclass=NullPool), "predictions")
    frame = pd.DataFrame({"customer_id": np.arange(9), "x": np.arange(9.0)})
    rows = root.open(root.write("churn_features", frame, partition=WEEK))
    with database.session() as session:
        session.add(
            Version(
                model="churn", version=2, digest="2" * 64, run_id="r", artifact_uri="u", candidate="c", data={},
                baseline={}, contract=None, gate_report=None, actor="a", recorded_at=pd.Timestamp.now("UTC"),
            )
        )  # fmt: skip
    job = ScoringJob(rows, ModelVersionRef("churn", 2, "2" * 64, "r"), ["customer_id"], ["x"], "churn_scores")
    ref = publish_scores(database, root, job, Half, actor="d/r/score/-1", log=log)
    columns = list(root.open(ref).to_pandas().columns)
    documented = re.findall(r"`(\w+)`", PAGE.partition("| column | is |")[2].partition("\n\n")[0])
    assert set(columns) - {"customer_id"} <= set(documented)
    with log.engine.connect() as connection:
        assert len(connection.execute(text(block("sql consumer"))).all()) == 9
