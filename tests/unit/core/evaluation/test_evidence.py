"""Evidence is kept as it was scored, and knows which of its rows a model has seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation import evidence


class ByColumn:
    """A classifier that says a column's value."""

    def __init__(self, column: str) -> None:
        self.column = column

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        p = frame[self.column].to_numpy()
        return np.column_stack([1 - p, p])


@pytest.fixture
def rows(root: SnapshotRoot) -> Snapshot:
    frame = pd.DataFrame(
        {"id": [1, 1, 2], "week": ["a", "b", "a"], "p": [0.1, 0.2, 0.3], "q": [0.9, 0.8, 0.7], "y": [0, 1, 1]}
    )
    return root.open(root.write("gate_rows", frame, partition="2026-04-06"))


def scored(root: SnapshotRoot, rows: Snapshot, **models: Any) -> Any:
    return evidence.score_rows(
        root, "e", rows, models, key=["id", "week"], cluster="id", target="y", features=["p", "q"]
    )


def test_both_models_are_scored_on_the_very_same_rows(root: SnapshotRoot, rows: Snapshot) -> None:
    ref, facts = scored(root, rows, champion=ByColumn("p"), challenger=ByColumn("q"))
    opened = root.open(ref)
    old, new = (evidence.read(opened, r, subject=r, seen_rows=0, facts={}) for r in ("champion", "challenger"))
    assert old is not None
    assert new is not None
    assert old.snapshot == new.snapshot == ref.id
    assert list(old.keys) == list(new.keys) == ["1|a", "1|b", "2|a"]
    assert list(old.scores) == [0.1, 0.2, 0.3]
    assert list(new.scores) == [0.9, 0.8, 0.7]
    assert list(new.target) == [0, 1, 1]
    assert list(new.clusters) == ["1", "1", "2"]  # type: ignore[arg-type]
    assert all(facts[r]["predict_ms_per_1000"] > 0 for r in ("champion", "challenger"))


def test_without_a_champion_there_is_no_evidence_on_one(root: SnapshotRoot, rows: Snapshot) -> None:
    ref, _ = scored(root, rows, challenger=ByColumn("q"))
    assert evidence.read(root.open(ref), "champion", subject="c", seen_rows=0, facts={}) is None


def test_a_score_that_is_not_a_number_is_kept_as_it_is_for_the_gate_to_see(root: SnapshotRoot) -> None:
    frame = pd.DataFrame({"id": [1, 2], "week": ["a", "a"], "p": [np.nan, np.inf], "q": [0.1, 0.2], "y": [0, 1]})
    ref, _ = scored(root, root.open(root.write("d", frame)), challenger=ByColumn("p"))
    read = evidence.read(root.open(ref), "challenger", subject="c", seen_rows=0, facts={})
    assert read is not None
    assert np.isnan(read.scores[0])
    assert np.isinf(read.scores[1])
    assert np.isnan(evidence.metrics_of(read, "roc_auc")["roc_auc"])


def test_a_classifier_of_three_classes_is_refused(root: SnapshotRoot, rows: Snapshot) -> None:
    class Three:
        def predict_proba(self, frame: pd.DataFrame) -> Any:
            return np.full((len(frame), 3), 1 / 3)

    with pytest.raises(BadInput, match="knows 3 classes"):
        scored(root, rows, challenger=Three())


@pytest.mark.parametrize("kind", ["int64", "float64", "str"])
def test_every_row_whose_customer_was_seen_counts_whatever_type_the_key_had(
    root: SnapshotRoot, rows: Snapshot, kind: str
) -> None:
    def part(name: str, ids: list[int]) -> Snapshot:
        return root.open(root.write(name, pd.DataFrame({"id": pd.Series(ids).astype(kind)})))

    assert evidence.overlap(rows, [part("t", [7, 8]), part("v", [9])], "id") == 0
    assert evidence.overlap(rows, [part("t", [7, 8]), part("v", [1])], "id") == 2
    assert evidence.overlap(rows, [part("t", [2]), part("v", [1])], "id") == 3


def test_seen_data_that_lack_the_key_are_an_error_not_zero(root: SnapshotRoot, rows: Snapshot) -> None:
    other = root.open(root.write("t", pd.DataFrame({"x": [1]})))
    with pytest.raises(BadInput, match=r"no column \['id'\]"):
        evidence.overlap(rows, [other], "id")


def test_all_metrics_of_the_task_are_told(root: SnapshotRoot, rows: Snapshot) -> None:
    ref, _ = scored(root, rows, challenger=ByColumn("q"))
    read = evidence.read(root.open(ref), "challenger", subject="c", seen_rows=0, facts={})
    assert read is not None
    assert list(evidence.metrics_of(read, "brier")) == ["brier", "roc_auc", "log_loss", "accuracy"]
