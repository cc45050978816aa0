"""Drift is judged against the baseline that travels with the version, with nothing to configure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.data import profile
from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.monitoring.drift import check_snapshot
from airflow_mlops.store import versions
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


def test_the_same_world_passes_and_another_one_fails_by_name(version: Any, root: SnapshotRoot) -> None:
    first = version(1, 0.0)
    assert check_snapshot(first, snapshot(root, 10)).verdict == "pass"
    report = check_snapshot(first, snapshot(root, 11, mean=1.0))
    assert report.verdict == "fail"
    assert {c.where for c in report.failed} == {"x"}
    assert report.subject == "f 2026-04-06 against m v1"


def test_each_version_is_held_against_its_own_baseline(version: Any, root: SnapshotRoot) -> None:
    old, new, current = version(1, 0.0), version(2, 1.0), snapshot(root, 12, mean=1.0)
    assert check_snapshot(old, current).verdict == "fail"
    assert check_snapshot(new, current).verdict == "pass"


def test_only_the_baselines_columns_are_looked_at(version: Any, root: SnapshotRoot) -> None:
    assert "other" not in {c.where for c in check_snapshot(version(1, 0.0), snapshot(root, 13)).checks}


def test_too_few_rows_are_not_judged(version: Any, root: SnapshotRoot) -> None:
    assert check_snapshot(version(1, 0.0), snapshot(root, 14, mean=5.0, rows=20)).verdict == "not_judged"


def test_the_policy_of_the_team_is_used(version: Any, root: SnapshotRoot) -> None:
    policy = {"drift": {"ignore": ["x"]}}
    assert check_snapshot(version(1, 0.0), snapshot(root, 15, mean=5.0), policy).verdict == "pass"
