"""Scores that stand in a table are judged as their snapshots are, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.drift.concept import relate
from airflow_mlops.core.scoring.prediction_log import PredictionLog, PredictionLogEntry
from airflow_mlops.operators.concept import CheckConceptDriftOperator
from airflow_mlops.operators.performance import CheckPerformanceOperator
from airflow_mlops.store import baselines, catalogue, versions, windows
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

Execute = Callable[..., Any]
DAYS = [f"2026-04-{number:02}" for number in range(1, 6)]
COLUMNS = {"scores": ["id", "score", "model_name", "model_version"], "labels": ["id", "y"], "rows": ["id", "x"]}
SCHEMA = {"id": "int", "score": "float", "model_name": "str", "model_version": "int"}
AT = datetime(2026, 5, 1, tzinfo=UTC)
TABLE = {"conn_id": "company", "table": "logged_predictions"}


def rows(day: str, version: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(DAYS.index(day))
    x = rng.normal(size=2000)
    score = 1 / (1 + np.exp(-x))
    y = (rng.random(2000) < score).astype(int)
    return pd.DataFrame(
        {"id": range(2000), "x": x, "score": score, "y": y, "model_name": "m", "model_version": version}
    )


class World:
    """A model whose scores stand in a table, and as snapshots to compare with."""

    def __init__(self, database: Database, root: SnapshotRoot, log: PredictionLog) -> None:
        self.database, self.root, self.log = database, root, log

    def scored(self, day: str, version: int = 1, after: timedelta = timedelta()) -> None:
        frame = rows(day, version)[COLUMNS["scores"]]
        ref = self.root.write("scores", frame, partition=day)
        catalogue.record(self.database, ref)
        self.log.load([frame], PredictionLogEntry("m", version, day, ref.id, AT + after), key=["id"], schema=SCHEMA)

    def came(self, dataset: str, day: str, count: int = 2000) -> None:
        frame = rows(day)[COLUMNS[dataset]].head(count)
        catalogue.record(self.database, self.root.write(dataset, frame, partition=day))

    def counted(self, kind: str = "performance") -> dict[str, tuple[int, int]]:
        return {w.partition: (w.version, w.rows) for w in windows.of_model(self.database, "m", kind)}


@pytest.fixture(params=["sqlite", "postgres"])
def world(
    request: pytest.FixtureRequest,
    tmp_path: Any,
    database: Database,
    root: SnapshotRoot,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Two days were scored into the table; their labels have come."""
    url = f"sqlite:///{tmp_path}/company.db" if request.param == "sqlite" else request.getfixturevalue("postgres")
    monkeypatch.setenv("AIRFLOW_CONN_COMPANY", json.dumps({"conn_type": "generic", "extra": {"sqlalchemy_url": url}}))
    engine = create_engine(url, poolclass=NullPool)
    made = World(database, root, PredictionLog(engine, TABLE["table"]))
    for version in (1, 2):
        versions.add(
            database,
            Version(
                model="m", version=version, digest=str(version), run_id=f"r{version}", artifact_uri="/a",
                candidate="c", data={}, baseline={}, actor=f"a{version}", recorded_at=now(),
            ),
        )  # fmt: skip
        relation = relate(rows(DAYS[4]), label="y", score="score", features=["x"])
        baselines.save(database, "m", version, "relation", relation.to_dict())
    for day in DAYS[:2]:
        made.scored(day)
        made.came("labels", day)
        made.came("rows", day)
    yield made
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE IF EXISTS {TABLE['table']}"))


def performance(day: str, **how: Any) -> CheckPerformanceOperator:
    message = {"task_id": "t", "model": "m", "labels": f"labels@{day}", "key": "id", "target": "y"}
    return CheckPerformanceOperator(**message | TABLE | how)


def concept(day: str, **how: Any) -> CheckConceptDriftOperator:
    message = {
        "task_id": "c",
        "model": "m",
        "labels": f"labels@{day}",
        "rows": f"rows@{day}",
        "key": "id",
        "target": "y",
    }
    return CheckConceptDriftOperator(**message | TABLE | how)


@pytest.mark.parametrize("check", [performance, concept])
def test_the_table_gives_the_verdict_and_the_figures_of_the_snapshot(
    execute: Execute, world: World, check: Callable[..., Any]
) -> None:
    by_table = execute(check(DAYS[0], task_id="table")).report
    by_file = execute(check(DAYS[0], task_id="file", conn_id=None, table=None, scores=f"scores@{DAYS[0]}")).report
    assert (by_table.verdict, by_table.facts) == (by_file.verdict, by_file.facts)
    assert [(c.name, c.status, c.observed) for c in by_table.checks] == [
        (c.name, c.status, c.observed) for c in by_file.checks
    ]
    (window,) = windows.of_model(world.database, "m", by_table.kind)
    assert (window.inputs or {})["scores"] == catalogue.current(world.database, "scores", DAYS[0]).id


@pytest.mark.parametrize("check", [performance, concept])
def test_a_partition_that_is_not_in_the_table_is_waited_for(
    execute: Execute, world: World, check: Callable[..., Any]
) -> None:
    for dataset in ("labels", "rows"):
        world.came(dataset, DAYS[2])
    assert isinstance(execute(check(DAYS[2])).error, AirflowSkipException)
    world.scored(DAYS[2])
    assert execute(check(DAYS[2])).error is None
    assert isinstance(execute(check(DAYS[2], table="nowhere")).error, AirflowSkipException)


def test_what_came_late_is_judged_again_by_the_table_and_nothing_else(execute: Execute, world: World) -> None:
    execute(performance(DAYS[0]))
    world.came("labels", DAYS[1], 1500)
    execute(performance(DAYS[1], task_id="in_part"))
    first = {w.partition: w.recorded_at for w in windows.of_model(world.database, "m", "performance")}
    world.came("labels", DAYS[1])
    for dataset in ("labels", "rows"):
        world.came(dataset, DAYS[3])
    world.scored(DAYS[3])
    ended = execute(performance(DAYS[3], reevaluate_stale=True, task_id="later"))
    assert [r.subject for r in ended.published] == [f"m v1 {DAYS[1]}", f"m v1 {DAYS[3]}"]
    second = {w.partition: w.recorded_at for w in windows.of_model(world.database, "m", "performance")}
    assert second[DAYS[0]] == first[DAYS[0]]
    assert world.counted() == dict.fromkeys((DAYS[0], DAYS[1], DAYS[3]), (1, 2000))
    assert len(execute(performance(DAYS[3], reevaluate_stale=True, task_id="again")).published) == 1
    assert len(execute(concept(DAYS[3], reevaluate_stale="True", task_id="first")).published) == 3
    assert len(execute(concept(DAYS[3], reevaluate_stale="True", task_id="none")).published) == 1


def test_of_several_versions_the_one_that_scored_last_is_judged(execute: Execute, world: World) -> None:
    execute(performance(DAYS[0]))
    world.scored(DAYS[0], version=2, after=timedelta(hours=1))
    execute(performance(DAYS[1], reevaluate_stale=True, task_id="later"))
    assert [w.version for w in windows.of_model(world.database, "m", "performance") if w.partition == DAYS[0]] == [1, 2]


def test_an_estimate_names_the_partition_itself(execute: Execute, world: World) -> None:
    world.scored(DAYS[2])
    how: dict[str, Any] = {"task_id": "e", "model": "m", "estimate": True, **TABLE}
    ended = execute(CheckPerformanceOperator(partition=DAYS[2], **how))
    assert (ended.error, ended.report.facts["rows"]) == (None, 2000)
    assert isinstance(execute(CheckPerformanceOperator(partition=DAYS[3], **how)).error, AirflowSkipException)
    nameless = execute(CheckPerformanceOperator(**how)).error
    assert isinstance(nameless, AirflowFailException)
    assert "exactly one source of scores" in str(nameless)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"scores": f"scores@{DAYS[0]}"}, "exactly one source of scores"),
        ({"conn_id": None, "table": None}, "exactly one source of scores"),
        ({"table": None}, "a table needs its connection"),
    ],
    ids=["both", "neither", "half"],
)
@pytest.mark.parametrize("check", [performance, concept])
def test_scores_that_are_named_twice_half_or_not_at_all_fail_at_once(
    execute: Execute, world: World, check: Callable[..., Any], how: dict[str, Any], message: str
) -> None:
    ended = execute(check(DAYS[0], **how))
    assert isinstance(ended.error, AirflowFailException)
    assert message in str(ended.error)
