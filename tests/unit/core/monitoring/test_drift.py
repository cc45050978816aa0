"""Drift is judged against the baseline that travels with the version, with nothing to configure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.data.profiles import profile
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.monitoring.drift import check_features, check_predictions
from airflow_mlops.store import baselines, versions, windows
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version


def snapshot(root: SnapshotRoot, seed: int, mean: float = 0.0, rows: int = 2000) -> Snapshot:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"x": rng.normal(mean, 1, rows), "c": rng.choice(list("ab"), rows), "other": rng.normal(size=rows)}
    )
    return root.open(root.write("f", frame, partition="2026-04-06"))


@pytest.fixture
def version(database: Database, root: SnapshotRoot) -> Any:
    def of(number: int, mean: float) -> Version:
        baseline = profile(snapshot(root, number, mean).scan(), columns=["x", "c"])
        versions.add(
            database,
            Version(
                model="m", version=number, digest="0", run_id="r", artifact_uri="/a", candidate="c", data={},
                baseline=baseline.to_dict(), actor="a", recorded_at=now(),
            ),
        )  # fmt: skip
        return versions.get(database, "m", number)

    return of


def test_the_same_world_passes_and_another_one_fails_by_name(
    version: Any, root: SnapshotRoot, database: Database
) -> None:
    first = version(1, 0.0)
    assert check_features(database, first, snapshot(root, 10)).verdict == "pass"
    report = check_features(database, first, snapshot(root, 11, mean=1.0))
    assert report.verdict == "fail"
    assert {c.where for c in report.failed} == {"x"}
    assert report.subject == "f 2026-04-06 against m v1"


def test_each_version_is_held_against_its_own_baseline(version: Any, root: SnapshotRoot, database: Database) -> None:
    old, new, current = version(1, 0.0), version(2, 1.0), snapshot(root, 12, mean=1.0)
    assert check_features(database, old, current).verdict == "fail"
    assert check_features(database, new, current).verdict == "pass"


def test_only_the_baselines_columns_are_looked_at(version: Any, root: SnapshotRoot, database: Database) -> None:
    assert "other" not in {c.where for c in check_features(database, version(1, 0.0), snapshot(root, 13)).checks}


def test_too_few_rows_are_not_judged(version: Any, root: SnapshotRoot, database: Database) -> None:
    assert check_features(database, version(1, 0.0), snapshot(root, 14, mean=5.0, rows=20)).verdict == "inconclusive"


def test_the_policy_of_the_team_is_used(version: Any, root: SnapshotRoot, database: Database) -> None:
    policy = {"drift": {"ignore": ["x"]}}
    assert check_features(database, version(1, 0.0), snapshot(root, 15, mean=5.0), policy).verdict == "pass"


def test_the_window_is_kept_with_the_largest_effect_and_the_next_report_shows_it(
    version: Any, root: SnapshotRoot, database: Database
) -> None:
    first = version(1, 0.0)
    report = check_features(database, first, snapshot(root, 11, mean=1.0))
    (window,) = windows.of_model(database, "m", "drift")
    assert (window.verdict, window.partition, window.report) == ("fail", "2026-04-06", report.id)
    assert window.value == pytest.approx(10, rel=0.2)  # a shift of one sd, where 0.1 matters
    assert "windows" not in report.facts
    later = pd.DataFrame({"x": np.zeros(300), "c": ["a"] * 300, "other": np.zeros(300)})
    again = check_features(database, first, root.open(root.write("f", later, partition="2026-04-13")))
    assert [w["partition"] for w in again.facts["windows"]] == ["2026-04-06"]


def scores(root: SnapshotRoot, seed: int, a: float, partition: str = "2026-04-06") -> Snapshot:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": range(2000), "score": rng.beta(a, 4, 2000), "model_version": 1})
    return root.open(root.write("s", frame, partition=partition))


def test_scores_are_held_against_those_of_the_evaluation(version: Any, root: SnapshotRoot, database: Database) -> None:
    first = version(1, 0.0)
    baseline = profile(scores(root, 1, 2.0), columns=["score"])
    baselines.save(database, "m", 1, "scores", baseline.to_dict())
    policy = {"drift": {"columns": {"x": {"numeric_threshold": 0.2}}}}  # what it says of features is not for scores
    assert check_predictions(database, first, scores(root, 2, 2.0), policy).verdict == "pass"
    report = check_predictions(database, first, scores(root, 3, 3.0), policy)
    assert (report.kind, report.verdict) == ("prediction_drift", "fail")
    assert [w.verdict for w in windows.of_model(database, "m", "prediction_drift")] == ["fail"]
    assert windows.of_model(database, "m", "drift") == []


def test_scores_of_a_version_that_was_never_evaluated_are_not_judged(
    version: Any, root: SnapshotRoot, database: Database
) -> None:
    report = check_predictions(database, version(1, 0.0), scores(root, 2, 2.0))
    assert report.verdict == "inconclusive"
    assert "EvaluateModelOperator" in report.checks[0].message


def test_scores_without_the_column_of_their_groups_stand_each_for_itself(
    version: Any, root: SnapshotRoot, database: Database
) -> None:
    first = version(1, 0.0)
    rng = np.random.default_rng(1)
    evaluated = pd.DataFrame({"customer": np.arange(2000) // 4, "score": rng.beta(2, 4, 500).repeat(4)})
    baselines.save(database, "m", 1, "scores", profile(evaluated, columns=["score"], cluster="customer").to_dict())
    report = check_predictions(database, first, scores(root, 2, 2.0))
    assert report.verdict == "pass"
    assert report.facts["effective_rows_reference"] == pytest.approx(500, rel=0.1)
    assert report.facts["effective_rows_current"] == 2000
