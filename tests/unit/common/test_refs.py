"""References survive JSON, and a wrong one is rejected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.refs import ModelVersionRef, Ref, ReportRef, RunRef, SnapshotRef

REFS = [
    SnapshotRef("d", "i", "file:///d/i.json", 3, "2026-04-06"),
    SnapshotRef("d", "i", "file:///d/i.json", 3),
    ReportRef("1", "gate", "m v1", "pass", "promote"),
    RunRef("r", "boosted", "model", "0" * 64, "roc_auc", 0.75),
    ModelVersionRef("m", 1, "0" * 64, "r"),
]


@pytest.mark.parametrize("ref", REFS, ids=lambda r: r.kind)
def test_a_reference_comes_back_from_json_equal_and_is_small(ref: Ref) -> None:
    text = json.dumps(ref.to_dict())
    assert type(ref).from_dict(json.loads(text)) == ref
    assert len(text) < 2048


def test_a_reference_itself_is_accepted_as_it_is() -> None:
    assert SnapshotRef.from_dict(REFS[0]) is REFS[0]


def test_another_kind_of_reference_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="expected a run reference, got a snapshot reference"):
        RunRef.from_dict(REFS[0].to_dict())


@pytest.mark.parametrize("value", [None, "d@p", 3, ["x"]])
def test_a_non_mapping_is_rejected_with_a_hint_at_skipped_tasks(value: Any) -> None:
    with pytest.raises(BadInput, match="usually means that task was skipped"):
        SnapshotRef.from_dict(value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(BadInput, match="incomplete snapshot reference: .*'uri'"):
        SnapshotRef.from_dict({"dataset": "d", "id": "i", "rows": 1})


def test_a_key_of_a_later_version_is_ignored() -> None:
    assert SnapshotRef.from_dict({**REFS[1].to_dict(), "later": 1}) == REFS[1]


def test_a_reference_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        REFS[0].rows = 4  # type: ignore[attr-defined]
