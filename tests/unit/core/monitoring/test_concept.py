"""Concept drift is judged for the version that made the scores, against its own evaluation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Report
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.drift.concept import relate
from airflow_mlops.core.monitoring.concept import check_concept
from airflow_mlops.store import baselines, windows
from airflow_mlops.store.database import Database

WEEK = "2026-04-06"


def rows(seed: int, *, turned: bool = False, n: int = 4000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    score = 1 / (1 + np.exp(-x))
    return pd.DataFrame({"id": range(n), "x": x, "score": score, "y": rng.random(n) < (1 - score if turned else score)})


def parts(root: SnapshotRoot, frame: pd.DataFrame, version: int = 1) -> list[Snapshot]:
    scored = frame[["id", "score"]].assign(model_version=version)
    sides = {"s": scored, "l": frame[["id", "y"]].astype(int), "f": frame[["id", "x"]]}
    return [root.open(root.write(name, side, partition=WEEK)) for name, side in sides.items()]


def check(database: Database, root: SnapshotRoot, frame: pd.DataFrame, version: int = 1) -> Report:
    return check_concept(database, *parts(root, frame, version), model="m", key="id", target="y")


@pytest.fixture
def evaluated(database: Database) -> Database:
    relation = relate(rows(0).astype({"y": int}), label="y", score="score", features=["x"])
    baselines.save(database, "m", 1, "relation", relation.to_dict())
    return database


def test_the_same_relation_passes_and_a_turned_one_fails(evaluated: Database, root: SnapshotRoot) -> None:
    assert check(evaluated, root, rows(1)).verdict == "pass"
    report = check(evaluated, root, rows(2, turned=True))
    assert (report.verdict, report.subject) == ("fail", f"m v1 {WEEK}")
    assert "x" in {c.where for c in report.failed}
    (window,) = windows.of_model(evaluated, "m", "concept_drift")
    assert window.verdict == "fail"
    assert window.value is not None
    assert window.value > 0.5


def test_labels_that_come_late_are_judged_again(evaluated: Database, root: SnapshotRoot) -> None:
    few = rows(1).head(50)
    assert check(evaluated, root, few).verdict == "inconclusive"
    assert check(evaluated, root, rows(1)).verdict == "pass"
    assert [w.rows for w in windows.of_model(evaluated, "m", "concept_drift")] == [4000]


def test_a_version_without_a_relation_is_not_judged_and_says_why(evaluated: Database, root: SnapshotRoot) -> None:
    assert "never evaluated" in check(evaluated, root, rows(1), version=2).checks[0].message
    baselines.save(evaluated, "m", 3, "relation", {"reason": "the scores are margins"})
    report = check(evaluated, root, rows(1), version=3)
    assert report.verdict == "inconclusive"
    assert "margins" in report.checks[0].message


def test_scores_of_two_versions_are_refused(evaluated: Database, root: SnapshotRoot) -> None:
    scores, labels, inputs = parts(root, rows(1))
    mixed = scores.to_pandas()
    mixed.loc[0, "model_version"] = 2
    with pytest.raises(BadInput, match="must be of one version"):
        check_concept(
            evaluated,
            root.open(root.write("s", mixed, partition=WEEK)),
            labels,
            inputs,
            model="m",
            key="id",
            target="y",
        )
