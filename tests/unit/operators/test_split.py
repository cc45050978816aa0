"""Splitting as a step: three ways, the rule is told, and an earlier split is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.store import catalogue, ledger, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

Execute = Callable[..., Any]
DAY = "2026-04-06"


@pytest.fixture
def kept(root: SnapshotRoot, database: Database, people: Any) -> Callable[..., Any]:
    """A function that puts people into the catalogue, each with a day, a week and a month."""

    def keep(rows: int = 120) -> Any:
        frame = people(rows)
        days = pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["id"], unit="D")
        frame = frame.assign(day=days.dt.strftime("%Y-%m-%d"), month=days.dt.strftime("%Y-%m"), week=frame["id"] // 7)
        ref = root.write("people", frame, partition=DAY)
        catalogue.record(database, ref)
        return ref

    return keep


def splitting(**how: Any) -> SplitDatasetOperator:
    return SplitDatasetOperator(**{"task_id": "t", "snapshot": f"people@{DAY}"} | how)


def counts(given: dict[str, Any]) -> list[int]:
    return [given[part]["rows"] for part in ("train", "validation", "test")] + [given["rule"]["left_out"]]


def test_the_call_that_was_always_valid_gives_what_it_gave(execute: Execute, kept: Any, root: SnapshotRoot) -> None:
    kept()
    given = execute(splitting(key="id", test=0.25, validation="0.15", seed="{{ seed }}", stratify="y"), seed=3).given
    assert counts(given) == pytest.approx([72, 18, 30, 0], abs=1)  # of 120, each class by itself
    assert given["rule"] == {
        "how": "key", "key": "id", "test": 0.25, "validation": 0.15, "seed": 3, "stratify": "y", "held": 0,
        "left_out": 0,
    }  # fmt: skip
    assert given["train"]["partition"] == DAY
    assert json.loads(json.dumps(given)) == given


def test_by_time_the_newest_rows_are_the_test_part_and_the_gap_belongs_to_none(
    execute: Execute, kept: Any, root: SnapshotRoot
) -> None:
    kept()
    given = execute(
        splitting(how="temporal", time="day", test="30d", validation="0.1", gap="{{ gap }}"), gap="7d"
    ).given
    assert counts(given) == [120 - 30 - 7 - 12 - 7, 12, 30, 14]
    assert root.open(given["test"]).to_pandas()["day"].min() == "2026-04-01"
    assert given["rule"]["gap"] == "7 days, 0:00:00"


def test_by_partition_they_are_counted_or_named(execute: Execute, kept: Any, root: SnapshotRoot) -> None:
    kept()
    given = execute(splitting(how="partition", partition="month", test="1", validation=1)).given
    assert counts(given) == [31 + 28, 31, 30, 0]
    named = execute(
        splitting(task_id="n", how="partition", partition="month", test=["2026-02"], validation=["2026-04"])
    ).given
    assert counts(named) == [62, 30, 28, 0]


def test_a_group_decides_in_place_of_the_key(execute: Execute, kept: Any, root: SnapshotRoot) -> None:
    kept()
    given = execute(splitting(key="id", group="week", test=0.3, validation=0.3)).given
    weeks = [set(root.open(given[part]).to_pandas()["week"]) for part in ("train", "validation", "test")]
    assert sum(map(len, weeks)) == len(set.union(*weeks)) == 18


def test_a_stratified_split_stays_when_it_is_told_of_the_earlier_one(
    execute: Execute, kept: Any, root: SnapshotRoot
) -> None:
    kept(60)
    first = execute(splitting(key="id", stratify="y")).given
    kept(120)
    held = execute(
        splitting(
            task_id="held", key="id", stratify="y", earlier={p: first[p] for p in ("test", "train", "validation")}
        )
    ).given
    assert held["rule"]["held"] == 60
    for part in ("train", "validation", "test"):
        before, after = (set(root.open(given[part]).to_pandas()["id"]) for given in (first, held))
        assert before == {i for i in after if i < 60}


def test_the_champion_s_parts_are_kept_and_without_a_champion_there_are_none(
    execute: Execute, kept: Any, root: SnapshotRoot, database: Database
) -> None:
    kept(60)
    first = execute(splitting(key="id", stratify="y", earlier="m")).given
    assert first["rule"]["held"] == 0
    parts = {part: first[part] for part in ("train", "validation", "test")}
    versions.add(
        database,
        Version(
            model="m", version=1, digest="d", run_id="r", artifact_uri="/nowhere", cutoff=None, candidate="c",
            data=parts, actor="test", recorded_at=now(), baseline={},
        ),
    )  # fmt: skip
    ledger.append(
        database, model="m", expected_epoch=None, version=1, digest="d", gate_report=None, approver=None, reason="r",
        actor="test",
    )  # fmt: skip
    kept(120)
    assert execute(splitting(task_id="again", key="id", stratify="y", earlier="m")).given["rule"]["held"] == 60


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "a split by key needs a key"),
        ({"key": "nobody"}, "there is no such column"),
        ({"how": "random", "key": "id"}, "no split by 'random'"),
        ({"how": "temporal", "time": "day", "test": "200d"}, "part would have no row"),
        ({"how": "temporal", "time": "day", "test": "soon"}, "no span of time"),
        ({"how": "temporal", "key": "id", "time": "day"}, "key says nothing about a split by 'temporal'"),
        ({"how": "partition", "partition": "month", "test": ["2025-01"]}, "has no rows"),
    ],
)
def test_what_a_retry_cannot_mend_fails_at_once(how: dict[str, Any], said: str, execute: Execute, kept: Any) -> None:
    kept()
    ended = execute(splitting(**how))
    assert isinstance(ended.error, AirflowFailException)
    assert said in str(ended.error)
