"""The performance operator: what it cannot know it waits for, late labels are judged again, and estimates need none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.drift.concept import relate
from airflow_mlops.operators.performance import CheckPerformanceOperator
from airflow_mlops.store import baselines, catalogue, versions, windows
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

Execute = Callable[..., Any]
DAYS = [f"2026-04-{number:02}" for number in range(1, 6)]
COLUMNS = {"scores": ["id", "score", "model_version"], "labels": ["id", "y"], "rows": ["id", "plan"]}


def rows(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=1000)
    score = 1 / (1 + np.exp(-x))
    y = (rng.random(1000) < score).astype(int)
    plan = rng.choice(["a", "b"], 1000)
    return pd.DataFrame({"id": range(1000), "score": score, "model_version": 1, "y": y, "plan": plan})


def came(database: Database, root: SnapshotRoot, day: str, dataset: str, count: int = 1000) -> None:
    frame = rows(DAYS.index(day))[COLUMNS[dataset]].head(count)
    catalogue.record(database, root.write(dataset, frame, partition=day))


@pytest.fixture(autouse=True)
def served(database: Database, root: SnapshotRoot) -> None:
    """Five days were scored; the labels of days 0, 2 and 3 have come, those of day 2 in part."""
    versions.add(
        database,
        Version(
            model="m", version=1, digest="0", run_id="r", artifact_uri="/a", candidate="c", data={}, baseline={},
            actor="a", recorded_at=now(),
        ),
    )  # fmt: skip
    baselines.save(database, "m", 1, "relation", relate(rows(99), label="y", score="score").to_dict())
    for day in DAYS:
        came(database, root, day, "scores")
        came(database, root, day, "rows")
    for day, count in ((DAYS[0], 1000), (DAYS[2], 300), (DAYS[3], 1000)):
        came(database, root, day, "labels", count)


def performance(day: str, **how: Any) -> CheckPerformanceOperator:
    parts = {"scores": f"scores@{day}", "labels": f"labels@{day}", "key": "id", "target": "y"}
    return CheckPerformanceOperator(**{"task_id": "t", "model": "m", **parts} | how)


def counted(database: Database) -> dict[str, int]:
    return {w.partition: w.rows for w in windows.of_model(database, "m", "performance")}


def test_without_labels_it_is_skipped_and_nothing_is_kept(execute: Execute, database: Database) -> None:
    ended = execute(performance(DAYS[4]))
    assert isinstance(ended.error, AirflowSkipException)
    assert (ended.published, counted(database)) == ([], {})


def test_labels_that_came_late_are_judged_in_their_own_windows_and_once(
    execute: Execute, database: Database, root: SnapshotRoot
) -> None:
    execute(performance(DAYS[0]))
    execute(performance(DAYS[2]))
    came(database, root, DAYS[1], "labels")
    came(database, root, DAYS[2], "labels")
    first = {w.partition: w.recorded_at for w in windows.of_model(database, "m", "performance")}
    ended = execute(performance(DAYS[3], reevaluate_stale=True, task_id="later"))
    assert [r.subject for r in ended.published] == [f"m v1 {day}" for day in (DAYS[1], DAYS[2], DAYS[3])]
    assert ended.result["subject"] == f"m v1 {DAYS[3]}"
    assert counted(database) == dict.fromkeys(DAYS[:4], 1000)
    second = {w.partition: w.recorded_at for w in windows.of_model(database, "m", "performance")}
    assert second[DAYS[0]] == first[DAYS[0]]
    again = execute(performance(DAYS[3], reevaluate_stale="True", task_id="again"))
    assert len(again.published) == 1


def test_late_labels_are_found_even_where_the_days_own_are_still_missing(
    execute: Execute, database: Database, root: SnapshotRoot
) -> None:
    ended = execute(performance(DAYS[4], reevaluate_stale=True))
    assert isinstance(ended.error, AirflowSkipException)
    assert list(counted(database)) == [DAYS[0], DAYS[2], DAYS[3]]


def test_slices_have_windows_of_their_own_and_are_caught_up_with_as_well(execute: Execute, database: Database) -> None:
    how: dict[str, Any] = {"slices": ["plan"], "reevaluate_stale": True, "rows": f"rows@{DAYS[3]}"}
    assert len(execute(performance(DAYS[3], **how)).published) == 3
    found = windows.of_model(database, "m", "performance", slice_=None)
    assert {w.slice for w in found if w.partition == DAYS[0]} == {"", "plan=a", "plan=b"}
    assert len(execute(performance(DAYS[3], task_id="again", **how)).published) == 1


def test_an_estimate_needs_no_labels_and_is_called_one(execute: Execute, database: Database) -> None:
    ended = execute(CheckPerformanceOperator(task_id="t", model="m", scores=f"scores@{DAYS[4]}", estimate=True))
    assert ended.error is None
    assert (ended.report.kind, ended.report.facts["is_estimate"]) == ("performance_estimate", True)
    assert len(windows.of_model(database, "m", "performance_estimate")) == 1
    absent = execute(CheckPerformanceOperator(task_id="u", model="m", scores="scores@1999-01-01", estimate="True"))
    assert isinstance(absent.error, AirflowSkipException)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"labels": None}, "requires labels"),
        ({"key": None, "target": None}, "requires key, target"),
        ({"against": "yesterday"}, "against is not valid; got 'yesterday'"),
        ({"slices": ["plan"]}, "slices and rows must be set together"),
    ],
    ids=str,
)
def test_parameters_that_lead_nowhere_fail_at_once(execute: Execute, how: dict[str, Any], message: str) -> None:
    ended = execute(performance(DAYS[0], **how))
    assert isinstance(ended.error, AirflowFailException)
    assert message in str(ended.error)
