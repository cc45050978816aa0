"""Splitting as a step: three ways and those of other packages, the rule is recorded, an earlier split is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.training.splits.parsing import SPLIT_RULES
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.store import catalogue, ledger, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

Execute = Callable[..., Any]
DAY = "2026-04-06"


@pytest.fixture
def saved(root: SnapshotRoot, database: Database, people: Any) -> Callable[..., Any]:
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


def counts(result: dict[str, Any]) -> list[int]:
    return [result[part]["rows"] for part in ("train", "validation", "test")] + [result["rule"]["left_out"]]


def test_the_call_that_was_always_valid_gives_what_it_gave(execute: Execute, saved: Any, root: SnapshotRoot) -> None:
    saved()
    result = execute(splitting(key="id", test=0.25, validation="0.15", seed="{{ seed }}", stratify="y"), seed=3).result
    assert counts(result) == pytest.approx([72, 18, 30, 0], abs=1)  # of 120, each class by itself
    assert result["rule"] == {
        "method": "key", "key": "id", "test": 0.25, "validation": 0.15, "seed": 3, "stratify": "y", "pinned": 0,
        "left_out": 0,
    }  # fmt: skip
    assert result["train"]["partition"] == DAY
    assert json.loads(json.dumps(result)) == result


def test_by_time_the_newest_rows_are_the_test_part_and_the_gap_belongs_to_none(
    execute: Execute, saved: Any, root: SnapshotRoot
) -> None:
    saved()
    result = execute(
        splitting(method="temporal", time="day", test="30d", validation="0.1", gap="{{ gap }}"), gap="7d"
    ).result
    assert counts(result) == [120 - 30 - 7 - 12 - 7, 12, 30, 14]
    assert root.open(result["test"]).to_pandas()["day"].min() == "2026-04-01"
    assert result["rule"]["gap"] == "7 days, 0:00:00"


def test_by_partition_they_are_counted_or_named(execute: Execute, saved: Any, root: SnapshotRoot) -> None:
    saved()
    result = execute(splitting(method="partition", partition="month", test="1", validation=1)).result
    assert counts(result) == [31 + 28, 31, 30, 0]
    named = execute(
        splitting(task_id="n", method="partition", partition="month", test=["2026-02"], validation=["2026-04"])
    ).result
    assert counts(named) == [62, 30, 28, 0]


def test_a_group_decides_in_place_of_the_key(execute: Execute, saved: Any, root: SnapshotRoot) -> None:
    saved()
    result = execute(splitting(key="id", group="week", test=0.3, validation=0.3)).result
    weeks = [set(root.open(result[part]).to_pandas()["week"]) for part in ("train", "validation", "test")]
    assert sum(map(len, weeks)) == len(set.union(*weeks)) == 18


def test_a_stratified_split_stays_when_it_is_told_of_the_earlier_one(
    execute: Execute, saved: Any, root: SnapshotRoot
) -> None:
    saved(60)
    first = execute(splitting(key="id", stratify="y")).result
    saved(120)
    held = execute(
        splitting(
            task_id="held", key="id", stratify="y", earlier={p: first[p] for p in ("test", "train", "validation")}
        )
    ).result
    assert held["rule"]["pinned"] == 60
    for part in ("train", "validation", "test"):
        before, after = (set(root.open(result[part]).to_pandas()["id"]) for result in (first, held))
        assert before == {i for i in after if i < 60}


def test_the_champion_s_parts_are_kept_and_without_a_champion_there_are_none(
    execute: Execute, saved: Any, root: SnapshotRoot, database: Database
) -> None:
    saved(60)
    first = execute(splitting(key="id", stratify="y", earlier="m")).result
    assert first["rule"]["pinned"] == 0
    parts = {part: first[part] for part in ("train", "validation", "test")}
    versions.add(
        database,
        Version(
            model="m", version=1, digest="d", run_id="r", artifact_uri="/nowhere", cutoff=None, candidate="c",
            data=parts, actor="test", recorded_at=now(), baseline={},
        ),
    )  # fmt: skip
    ledger.append(
        database, model="m", expected_revision=None, version=1, digest="d", gate_report=None, approver=None, reason="r",
        actor="test",
    )  # fmt: skip
    saved(120)
    assert execute(splitting(task_id="again", key="id", stratify="y", earlier="m")).result["rule"]["pinned"] == 60


@pytest.mark.parametrize(
    ("how", "output"),
    [
        ({}, "a split by key needs a key"),
        ({"key": "nobody"}, "there is no such column"),
        ({"method": "random", "key": "id"}, "'random' is not a known split rule"),
        ({"method": "temporal", "time": "day", "test": "200d"}, "part has no rows"),
        ({"method": "temporal", "time": "day", "test": "soon"}, "is not a duration"),
        ({"method": "temporal", "key": "id", "time": "day"}, "'key' is not an option of the split rule 'temporal'"),
        ({"method": "partition", "partition": "month", "test": ["2025-01"]}, "has no rows"),
    ],
)
def test_what_a_retry_cannot_hint_fails_at_once(how: dict[str, Any], output: str, execute: Execute, saved: Any) -> None:
    saved()
    ended = execute(splitting(**how))
    assert isinstance(ended.error, AirflowFailException)
    assert output in str(ended.error)


ACME = """
import numpy as np
from airflow_mlops.api import join_key_columns

class ByRegion:
    def __init__(self, *, column, held_back, validate="", parts=None):
        self.earlier_key, self.held_back, self.validate, self.parts = column, list(held_back), validate, parts or {}

    @property
    def has_validation(self):
        return bool(self.validate)

    def assign(self, frame):
        region = join_key_columns(frame, self.earlier_key)
        parts = np.where(region.isin(self.held_back), "test", np.where(region == self.validate, "validation", "train"))
        return region.map(self.parts).fillna(region.map(dict(zip(region, parts))))

    def to_dict(self):
        return {"column": self.earlier_key, "held_back": self.held_back, "pinned": len(self.parts)}

    def with_earlier(self, parts):
        return ByRegion(column=self.earlier_key, held_back=self.held_back, validate=self.validate, parts=parts)
"""


class Odd:
    """A rule that does what a rule must not do.

    :param does: what ``assign`` returns; an exception is raised.
    """

    has_validation = False

    def __init__(self, *, does: str, recorded: Any = "x") -> None:
        self.does, self.recorded = does, recorded

    def assign(self, frame: pd.DataFrame) -> Any:
        if self.does == "raises":
            raise KeyError("region")
        return {"short": ["train"], "unknown": ["holdout"] * len(frame)}.get(self.does, ["test", "train"])

    def to_dict(self) -> dict[str, Any]:
        return {"recorded": self.recorded}


def source_of(root: SnapshotRoot, ref: dict[str, Any]) -> dict[str, Any]:
    return json.loads(root.read_text(f"{ref['dataset']}/{ref['id']}.json"))["source"]["split"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("by_name", [False, True])
def test_another_package_s_rule_splits_and_a_later_run_keeps_its_parts(
    by_name: bool, execute: Execute, saved: Any, root: SnapshotRoot, installed_entry_point: Any
) -> None:
    path = installed_entry_point(SPLIT_RULES, "by_region", "ByRegion", ACME)
    method, options = "by_region" if by_name else path, {"column": "month", "held_back": ["2026-02"]}
    saved(60)
    first = execute(splitting(method=method, method_options=options | {"validate": "{{ m }}"}), m="2026-03").result
    assert counts(first) == [31, 1, 28, 0]
    assert first["rule"] == {
        "method": path, "column": "month", "held_back": ["2026-02"], "pinned": 0, "left_out": 0,
    }  # fmt: skip
    assert source_of(root, first["test"])["method"] == path
    saved(120)
    parts = {part: first[part] for part in ("train", "validation", "test")}
    later = options | {"held_back": ["2026-01", "2026-04"]}
    kept = execute(splitting(task_id="kept", method=method, method_options=later, earlier=parts)).result
    assert counts(kept) == [31, 31, 28 + 30, 0]  # January stays in training, March in validation
    assert kept["rule"]["pinned"] == 3


def test_a_key_in_two_parts_names_the_rule_of_the_earlier_split(
    execute: Execute, saved: Any, installed_entry_point: Any
) -> None:
    path = installed_entry_point(SPLIT_RULES, "by_region", "ByRegion", ACME)
    saved()
    first = execute(splitting(method=path, method_options={"column": "id", "held_back": ["3"]})).result
    again = {"column": "month", "held_back": ["2026-02"]}
    parts = {"train": first["train"], "test": first["test"]}
    error = str(execute(splitting(task_id="t2", method=path, method_options=again, earlier=parts)).error)
    assert "of the earlier split" in error
    assert f"split by '{path}'" in error


@pytest.mark.parametrize(
    ("how", "output"),
    [
        ({"method_options": {"does": "raises"}}, "failed: KeyError: 'region'"),
        ({"method_options": {"does": "short"}}, "assigned 1 parts to 120 rows"),
        ({"method_options": {"does": "unknown"}}, "assigned rows to 'holdout'"),
        ({"method_options": {"does": "train", "recorded": {1, 2}}}, "cannot be recorded: TypeError"),
        ({"method_options": {"do": "train"}}, "'do' is not an option of the split rule"),
        ({"method_options": {"does": "train"}, "earlier": "m"}, "earlier is not an option of the split rule"),
        (
            {"method": "temporal", "time": "day", "earlier": "m"},
            "is not an option of the split rule 'temporal'",
        ),
        ({"method": "pathlib:Path"}, "has no 'has_validation'"),
    ],
)
def test_a_bad_rule_fails_at_once_and_writes_nothing(
    how: dict[str, Any], output: str, execute: Execute, saved: Any, root: SnapshotRoot
) -> None:
    saved()
    before = set(root.fs.find(root.path))
    ended = execute(splitting(**{"method": f"{__name__}:Odd"} | how))
    assert isinstance(ended.error, AirflowFailException)
    assert output in str(ended.error)
    assert "where:" in str(ended.error) or "hint:" in str(ended.error)
    assert set(root.fs.find(root.path)) == before
