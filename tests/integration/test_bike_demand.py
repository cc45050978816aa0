"""The demand for bikes by ``dag.test``: month after month by hand, as a backfill, and on the real hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.store import catalogue, ledger, reports, versions
from include.bike_sharing.source import FOLDER_VARIABLE, VARIABLE

Run = Callable[..., Any]
MODEL = "bike_demand_synthetic"
TRAINED = ["history", "split", "older", "leakage", "select", "refit", "register", "evaluate", "gate"]


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)


@pytest.fixture
def as_backfill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of this test are of a backfill. Has to stand before ``run_dag`` in a test's arguments."""
    from airflow.serialization.definitions.dag import SerializedDAG
    from airflow.utils.types import DagRunType

    create = SerializedDAG.create_dagrun

    def of_backfill(*args: Any, **values: Any) -> Any:
        return create(*args, **values | {"run_type": DagRunType.BACKFILL_JOB})

    monkeypatch.setattr(SerializedDAG, "create_dagrun", of_backfill)


def seen(run: Any, lifecycle: Any) -> list[int]:
    roles = reports.get(lifecycle.database, run.xcom("evaluate")["id"]).facts["roles"]
    return [facts["seen_rows"] for facts in roles.values()]


def days(run: Any, lifecycle: Any, task: str, part: str) -> tuple[str, str]:
    rows = lifecycle.root.open(SnapshotRef.from_dict(run.xcom(task, part))).to_pandas(["dteday"])["dteday"]
    return rows.min(), rows.max()


def test_by_hand_the_first_month_makes_a_champion_and_the_next_is_judged_on_rows_that_neither_has_seen(
    run_dag: Run, lifecycle: Any
) -> None:
    first = run_dag("bike_demand", run_conf={"month": "2011-09"})

    assert first.state == "success"
    assert (first.tasks["ingest"], first.tasks["validate"]) == (["success"] * 9, ["success"] * 9)
    assert {task: first.states[task] for task in TRAINED} == dict.fromkeys(TRAINED, "success")
    assert first.tasks["train"] == ["success", "success"]
    assert first.xcom("leakage")["verdict"] == "pass"
    assert days(first, lifecycle, "split", "train") == ("2011-01-01", "2011-05-30")
    assert days(first, lifecycle, "split", "validation") == ("2011-05-31", "2011-06-30")
    assert days(first, lifecycle, "older", "train") == ("2011-01-01", "2011-06-30")
    assert days(first, lifecycle, "older", "test") == ("2011-07-01", "2011-09-30")
    assert first.xcom("refit")["candidate"] == first.xcom("select")["candidate"]
    assert first.xcom("gate")["decision"] == "promote_first"
    entry = ledger.head(lifecycle.database, MODEL)
    assert (entry.version, str(entry.effective_at)[:10]) == (1, "2011-10-01")

    second = run_dag("bike_demand", run_conf={"month": "2011-10"})

    assert second.state == "success"
    assert second.tasks["ingest"] == ["success"]  # the months before are there
    assert second.xcom("history")["rows"] == first.xcom("history")["rows"] + second.xcom("ingest", map_index=0)["rows"]
    assert second.xcom("gate")["decision"] in ("promote", "reject")
    assert seen(second, lifecycle) == [0, 0]


def test_a_backfill_by_month_keeps_order_registers_and_promotes_nothing(
    as_backfill: None, run_dag: Run, lifecycle: Any
) -> None:
    runs = [run_dag("bike_demand", logical_date=datetime(2011, month + 1, 1, tzinfo=UTC)) for month in range(6, 9)]

    assert [run.state for run in runs] == ["success"] * 3
    assert [run.xcom("find", "month") for run in runs] == ["2011-06", "2011-07", "2011-08"]
    assert [len(run.tasks["ingest"]) for run in runs] == [6, 1, 1]
    early, *later = runs
    assert early.states["enough"] == "success"
    assert {early.states[task] for task in TRAINED} == {"skipped"}  # too few months, and in green
    assert [run.states["promote"] for run in runs] == ["skipped"] * 3
    assert ledger.history(lifecycle.database, MODEL) == []
    found = sorted(versions.of_model(lifecycle.database, MODEL), key=lambda version: version.version)
    assert [(version.version, version.cutoff) for version in found] == [(1, "2011-07"), (2, "2011-08")]
    for run in later:
        assert run.xcom("gate")["decision"] in ("promote_first", "reject")
        assert seen(run, lifecycle) == [0]
    assert [ref.partition for ref in catalogue.partitions(lifecycle.database, MODEL)] == [
        f"2011-{month:02}" for month in range(1, 9)
    ]


@pytest.mark.data
def test_on_the_real_hours_the_last_three_months_are_forecast_no_worse_than_by_a_plain_script(
    run_dag: Run, lifecycle: Any, test_data: Path
) -> None:
    path = test_data / "bike_sharing_hour.csv"
    run = run_dag("bike_demand", run_conf={"csv": str(path), "month": "2012-12"})

    assert run.state == "success"
    assert run.tasks["ingest"] == ["success"] * 24
    assert days(run, lifecycle, "older", "test") == ("2012-10-01", "2012-12-31")
    assert run.xcom("leakage")["verdict"] == "pass"
    assert run.xcom("select")["candidate"] == "boosted"
    report = reports.get(lifecycle.database, run.xcom("evaluate")["id"])
    mae = report.facts["roles"]["challenger"]["metrics"]["mae"]
    assert mae <= plain_script(path) + 1e-9
    assert run.xcom("gate")["decision"] == "promote_first"
    assert ledger.head(lifecycle.database, "bike_demand").version == 1


def plain_script(path: Path) -> float:
    """The same features and the same estimator, as anybody would write it down."""
    rows = pd.read_csv(path)
    features = ["temp", "atemp", "hum", "windspeed", "season", "yr", "mnth", "hr", "weekday", "holiday", "workingday"]
    features += ["weathersit"]
    train, test = rows[rows["dteday"] < "2012-10-01"], rows[rows["dteday"] >= "2012-10-01"]
    model = HistGradientBoostingRegressor(
        loss="poisson",
        learning_rate=0.06,
        max_iter=300,
        max_leaf_nodes=31,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    model.fit(train[features], train["cnt"])
    return float(np.abs(model.predict(test[features]) - test["cnt"]).mean())
