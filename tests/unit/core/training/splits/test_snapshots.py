"""The parts are committed: no row is lost or doubled, and each says how it came about."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.training.splits import (
    PARTS,
    KeyRule,
    PartitionRule,
    SplitFractions,
    SplitRule,
    TimeRule,
    split_snapshot,
)
from airflow_mlops.core.training.splits.snapshots import read_key_parts


def manifest(root: SnapshotRoot, ref: SnapshotRef) -> dict[str, Any]:
    return json.loads(root.read_text(f"{ref.dataset}/{ref.id}.json"))


def test_a_snapshot_is_split_into_three_without_a_row_lost_or_doubled(root: SnapshotRoot, people: Any) -> None:
    whole = root.open(root.write("d", [people(100), people(100, first=100)], partition="2026-04-06"))
    refs = split_snapshot(root, whole, KeyRule("id"))
    assert [refs[p].dataset for p in PARTS] == ["d_test", "d_validation", "d_train"]
    assert {r.partition for r in refs.values()} == {"2026-04-06"}
    ids = [i for ref in refs.values() for i in root.open(ref).to_pandas()["id"]]
    assert sorted(ids) == list(range(200))
    assert split_snapshot(root, whole, KeyRule("id")) == refs  # a retry gives the very same parts


RULES = st.sampled_from(
    [
        KeyRule("id", SplitFractions(0.2, 0.2), seed=3),
        KeyRule("id", SplitFractions(0.2, 0.2), stratify="y"),
        TimeRule("t", timedelta(days=9), timedelta(days=9), timedelta(days=4)),
        TimeRule("t", 0.2, 0.2, timedelta(days=2)),
        PartitionRule("p", 1, 1, gap=1),
        PartitionRule("p", ["0"], ["3"], train=["1"]),
    ]
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule=RULES, rows=st.integers(100, 150))
def test_parts_and_gap_are_all_the_rows_under_every_rule(
    rule: SplitRule, rows: int, root: SnapshotRoot, people: Any
) -> None:
    frame = people(rows)
    frame["t"] = (pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["id"] // 2, unit="D")).dt.strftime("%Y-%m-%d")
    frame["p"] = frame["id"] % 5
    ref = root.write("d", frame)
    refs = split_snapshot(root, root.open(ref), rule)
    kept = manifest(root, refs["test"])["source"]
    assert sum(kept["counts"].values()) == rows
    assert {part: refs[part].rows for part in PARTS} == {part: kept["counts"][part] for part in PARTS}
    parted = pd.concat([root.open(refs[part]).to_pandas() for part in PARTS])
    left_out = frame[rule.assign(frame) == "gap"]
    assert sorted([*parted["id"], *left_out["id"]]) == list(range(rows))


def test_rule_and_seed_are_kept_with_each_part(root: SnapshotRoot, people: Any) -> None:
    whole = root.open(root.write("d", people(100)))
    refs = split_snapshot(root, whole, KeyRule("id", SplitFractions(0.3, 0.2), seed=11, stratify="y"))
    for part in PARTS:
        source = manifest(root, refs[part])["source"]
        assert (source["rows"], source["part"]) == (whole.ref.id, part)
        assert source["split"] == {
            "method": "key", "key": "id", "test": 0.3, "validation": 0.2, "seed": 11, "stratify": "y", "pinned": 0,
        }  # fmt: skip


def test_a_part_without_rows_is_refused_unless_it_was_not_asked_for(root: SnapshotRoot, people: Any) -> None:
    whole = root.open(root.write("d", people(3)))
    with pytest.raises(BadInput, match="part has no rows"):
        split_snapshot(root, whole, KeyRule("id", SplitFractions(0.001, 0.001)))
    many = root.open(root.write("d", people(50)))
    assert split_snapshot(root, many, KeyRule("id", SplitFractions(0.5, 0)))["validation"].rows == 0


def test_the_parts_of_an_earlier_split_are_read_by_key(root: SnapshotRoot, people: Any) -> None:
    refs = split_snapshot(root, root.open(root.write("d", people(60))), KeyRule("id", seed=5))
    found = read_key_parts(root, {**refs, "other": SnapshotRef("gone", "0", "", 0)}, "id")
    assert len(found) == 60
    assert {found[str(i)] for i in root.open(refs["test"]).to_pandas()["id"]} == {"test"}
    with pytest.raises(BadInput, match="of the earlier split"):
        read_key_parts(root, refs, "y")
