"""Performance alarms when it is surely worse than the gate had seen, and says when it cannot know."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.monitoring.performance import (
    PerformancePolicy,
    check_performance,
    expected_metric,
    join_labels,
    performance_report,
)
from airflow_mlops.store import reports, versions, windows
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version


def joined(rows: int, strength: float = 2.0, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    y = (rng.random(rows) < 0.4).astype(float)
    return pd.DataFrame({"y": y, "score": 1 / (1 + np.exp(-(strength * y + rng.normal(size=rows))))})


def judged(frame: pd.DataFrame, expected: float | None, **policy: Any) -> Report:
    return performance_report(frame, PerformancePolicy(**policy), target="y", expected=expected, subject="m v1")


def test_what_is_as_good_as_expected_passes_and_what_is_surely_worse_fails() -> None:
    frame = joined(3000)
    value = judged(frame, 0.9).facts["value"]
    assert judged(frame, value).verdict == "pass"
    assert judged(frame, value - 0.2).verdict == "pass"  # better than expected
    assert judged(frame, value + 0.06).verdict == "fail"


def test_worse_only_by_chance_or_within_the_tolerance_is_no_alarm() -> None:
    frame = joined(300)
    facts = judged(frame, 0.9).facts
    assert judged(frame, facts["high"] + 0.01, tolerance=0.02).verdict == "pass"
    assert judged(frame, facts["high"] + 0.03, tolerance=0.02).verdict == "fail"
    assert judged(frame, facts["high"] + 0.03, tolerance=0.05).verdict == "pass"


def test_where_lower_is_better_a_higher_value_alarms() -> None:
    frame = joined(1000)
    facts = judged(frame, 0.0, metric="log_loss").facts
    assert judged(frame, facts["low"] - 0.03, metric="log_loss", tolerance=0.02).verdict == "fail"
    assert judged(frame, facts["low"] - 0.01, metric="log_loss", tolerance=0.02).verdict == "pass"
    assert judged(frame, facts["high"] + 5, metric="log_loss").verdict == "pass"


@pytest.mark.parametrize(
    "frame",
    [
        joined(199),
        joined(0),
        joined(500).assign(y=1.0),
        joined(500).assign(score=lambda f: f["score"].mask(f.index == 3)),
        joined(500).assign(y=lambda f: f["y"].mask(f.index == 3)),
        joined(500).assign(score=np.inf),
    ],
    ids=["few", "none", "one class", "a missing score", "a missing label", "infinite scores"],
)
def test_what_cannot_be_known_is_not_judged(frame: pd.DataFrame) -> None:
    report = judged(frame, 0.5)
    assert report.verdict == "inconclusive"
    report.to_json()


@pytest.mark.parametrize("expected", [None, float("nan")])
def test_without_an_expected_value_the_figure_is_only_told(expected: float | None) -> None:
    report = judged(joined(500), expected)
    assert report.verdict == "inconclusive"
    assert report.facts["value"] > 0.5


# Scores and labels of the store.


def snapshots(
    root: SnapshotRoot, rows: int = 500, *, version: Any = 1, partition: str = "p", labels_of: str = "p"
) -> tuple[Snapshot, Snapshot]:
    frame = joined(rows)
    scores = pd.DataFrame({"id": range(rows), "score": frame["score"], "model_version": version})
    labels = pd.DataFrame({"id": range(rows), "y": frame["y"].astype("int64")})
    return (
        root.open(root.write("s", scores, partition=partition)),
        root.open(root.write("l", labels[::-1], partition=labels_of)),
    )


def test_predictions_are_joined_with_the_labels_that_have_come(root: SnapshotRoot) -> None:
    scores, _ = snapshots(root, 4)
    labels = root.open(root.write("l", pd.DataFrame({"id": [3, 9], "y": [1, 0]}), partition="p"))
    frame = join_labels(scores, labels, key="id", target="y")
    assert frame["id"].tolist() == [3]
    assert list(frame.columns) == ["id", "score", "y"]


def test_labels_of_another_partition_are_refused(root: SnapshotRoot) -> None:
    with pytest.raises(BadInput, match="scores of p cannot be evaluated with labels of q"):
        join_labels(*snapshots(root, labels_of="q"), key="id", target="y")


def test_a_key_that_repeats_is_refused_and_named(root: SnapshotRoot) -> None:
    scores, _ = snapshots(root, 4)
    labels = root.open(root.write("l", pd.DataFrame({"id": [1, 1], "y": [1, 0]}), partition="p"))
    with pytest.raises(BadInput, match="'id' is not unique") as told:
        join_labels(scores, labels, key="id", target="y")
    assert told.value.where == "l p"


@pytest.fixture
def registered(database: Database) -> Database:
    """Version 1 with a gate that had seen an AUC of 0.99, version 2 without a gate."""
    for number in (1, 2):
        version = Version(
            model="m", version=number, digest="0", run_id="r", artifact_uri="/a", candidate="c", data={}, baseline={},
            actor="a", recorded_at=now(),
        )  # fmt: skip
        versions.add(database, version)
    values = {"challenger": {"roc_auc": 0.99, "brier": "nan"}, "champion": {"roc_auc": 0.1}}
    gate = Report.from_checks("gate", "m v1", [Check("c", "pass")], decision="promote", facts={"values": values})
    reports.publish(database, gate, actor="gate")
    versions.bind_gate(database, "m", 1, report_id=gate.id, decision="promote")
    return database


def test_what_is_expected_is_what_the_versions_own_gate_had_seen(registered: Database) -> None:
    assert expected_metric(registered, "m", 1, "roc_auc") == 0.99
    assert expected_metric(registered, "m", 1, "brier") is None
    assert expected_metric(registered, "m", 1, "log_loss") is None
    assert expected_metric(registered, "m", 2, "roc_auc") is None


def test_the_window_is_kept_for_the_version_that_made_the_scores(registered: Database, root: SnapshotRoot) -> None:
    report = check_performance(registered, *snapshots(root), model="m", key="id", target="y")
    assert report.verdict == "fail"
    (window,) = windows.of_model(registered, "m", "performance")
    assert (window.version, window.partition, window.verdict, window.rows) == (1, "p", "fail", 500)
    assert window.report == report.id
    assert window.value == report.facts["value"]
    other = check_performance(registered, *snapshots(root, version=2), model="m", key="id", target="y")
    assert other.verdict == "inconclusive"
    assert [w.version for w in windows.of_model(registered, "m", "performance")] == [1, 2]


def test_too_few_labels_keep_a_window_that_was_not_judged(registered: Database, root: SnapshotRoot) -> None:
    check_performance(
        registered, *snapshots(root, 3), model="m", key="id", target="y", policy={"performance": {"min_rows": 4}}
    )
    assert windows.of_model(registered, "m", "performance")[0].verdict == "inconclusive"


def test_scores_of_two_versions_are_refused(registered: Database, root: SnapshotRoot) -> None:
    mixed = snapshots(root, 4, version=[1, 1, 2, 2])
    with pytest.raises(BadInput, match=r"must be of one version; got \[1, 2\]"):
        check_performance(registered, *mixed, model="m", key="id", target="y")
