"""Performance without labels: right while scores mean what they meant, blind to a concept that changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.drift.concept import relate
from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.monitoring.estimate import ScoreCalibration, check_estimate, estimate_metric
from airflow_mlops.store import baselines, reports, versions, windows
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version
from include.churn import simulation_metrics
from include.churn.features import FEATURES, TARGET

METRICS = ["roc_auc", "pr_auc", "log_loss", "brier", "f1", "precision", "recall"]


def drawn(rows: int, seed: int, *, center: float = -1.0, slope: float = 1.0, shift: float = 0.0) -> pd.DataFrame:
    """Scores with labels by ``shift + slope * log-odds of the score``."""
    rng = np.random.default_rng(seed)
    x = rng.normal(center, 1.2, rows)
    chance = 1 / (1 + np.exp(-(shift + slope * x)))
    return pd.DataFrame({"score": 1 / (1 + np.exp(-x)), "y": (rng.random(rows) < chance).astype(int)})


def calibration(frame: pd.DataFrame) -> ScoreCalibration:
    found = ScoreCalibration.of(relate(frame, label="y", score="score"))
    assert found is not None
    return found


def test_calibration_finds_what_scores_mean() -> None:
    found = calibration(drawn(20_000, 1, slope=0.6, shift=0.5))
    assert (found.shift, found.slope) == (pytest.approx(0.5, abs=0.1), pytest.approx(0.6, abs=0.1))
    known = calibration(drawn(2_000, 1, slope=0.6, shift=0.5))
    assert known.covariance[1, 1] > 5 * found.covariance[1, 1]  # fewer rows know less


@pytest.mark.parametrize("name", METRICS)
def test_rows_that_moved_are_seen_where_scores_mean_what_they_meant(name: str) -> None:
    meaning = {"slope": 0.6, "shift": 0.3}
    found = calibration(drawn(20_000, 1, **meaning))
    for center in (-2.0, 0.0, 1.0):
        later = drawn(40_000, 2, center=center, **meaning)
        true = get_metric(name).value(later["y"].to_numpy(), later["score"].to_numpy())
        told = estimate_metric(name, later["score"].to_numpy(), found)
        assert told.value == pytest.approx(true, abs=0.02)
        assert told.low - 0.01 <= true <= told.high + 0.01


def test_the_interval_is_as_wide_as_labels_scatter() -> None:
    found = calibration(drawn(20_000, 1))
    inside = 0
    for seed in range(40):
        rows = drawn(400, 100 + seed)
        told = estimate_metric("roc_auc", rows["score"].to_numpy(), found)
        inside += told.low <= get_metric("roc_auc").value(rows["y"].to_numpy(), rows["score"].to_numpy()) <= told.high
    assert inside >= 34  # 38 are expected


def test_on_the_churn_simulator_it_is_right_before_the_concept_changes_and_blind_after() -> None:
    frames = simulation_metrics.simulate(1, 1300)
    fresh, later = (
        simulation_metrics.pool_partitions(frames, weeks)
        for weeks in (simulation_metrics.FRESH, simulation_metrics.LATER)
    )
    assert fresh[TARGET].sum() >= 500
    for candidate in simulation_metrics.CANDIDATES.values():
        learnt = simulation_metrics.pool_partitions(frames, simulation_metrics.REFERENCE, range(3))
        model = candidate().fit(learnt[FEATURES], learnt[TARGET])

        def scored(rows: pd.DataFrame, model: Any = model) -> pd.DataFrame:
            return pd.DataFrame({"score": model.predict_proba(rows[FEATURES])[:, 1], "y": rows[TARGET].to_numpy()})

        found = calibration(
            scored(simulation_metrics.pool_partitions(frames, simulation_metrics.REFERENCE, range(3, 5)))
        )
        gaps = []
        for rows in (fresh, later):
            told = scored(rows)
            true = get_metric("roc_auc").value(told["y"].to_numpy(), told["score"].to_numpy())
            gaps.append(estimate_metric("roc_auc", told["score"].to_numpy(), found).value - true)
        assert abs(gaps[0]) <= 0.03
        assert gaps[1] > 0.15  # what nothing can see without labels


# In the store.


@pytest.fixture
def evaluated(database: Database) -> Database:
    """Version 1: its gate saw an AUC of 0.8, and its scores mean what they say."""
    version = Version(
        model="m", version=1, digest="0", run_id="r", artifact_uri="/a", candidate="c", data={}, baseline={},
        actor="a", recorded_at=now(),
    )  # fmt: skip
    versions.add(database, version)
    values = {"challenger": {"roc_auc": 0.8}}
    gate = Report.from_checks("gate", "m v1", [Check("c", "pass")], decision="promote", facts={"values": values})
    reports.publish(database, gate, actor="gate")
    versions.bind_gate(database, "m", 1, report_id=gate.id, decision="promote")
    baselines.save(database, "m", 1, "relation", relate(drawn(8000, 1), label="y", score="score").to_dict())
    return database


def scores(root: SnapshotRoot, rows: int = 2000, partition: str = "2026-04-06", **how: Any) -> Snapshot:
    frame = drawn(rows, 5, **how)[["score"]].assign(id=range(rows), model_version=1)
    return root.open(root.write("s", frame, partition=partition))


def test_it_is_told_and_kept_as_an_estimate_beside_what_is_measured(evaluated: Database, root: SnapshotRoot) -> None:
    report = check_estimate(evaluated, scores(root), model="m")
    assert (report.kind, report.verdict, report.facts["is_estimate"]) == ("performance_estimate", "pass", True)
    assert report.checks[0].name == "estimated roc_auc"
    assert "estimated at" in report.checks[0].message
    assert "without labels" in report.checks[0].message
    (window,) = windows.of_model(evaluated, "m", "performance_estimate")
    assert (window.verdict, window.value) == ("pass", report.facts["value"])
    assert windows.of_model(evaluated, "m", "performance") == []


def test_rows_on_which_the_model_is_less_sure_only_warn(evaluated: Database, root: SnapshotRoot) -> None:
    flat = root.open(
        root.write(
            "s",
            pd.DataFrame({"id": range(2000), "score": np.linspace(0.29, 0.31, 2000), "model_version": 1}),
            partition="2026-04-06",
        )
    )
    report = check_estimate(evaluated, flat, model="m")
    assert report.verdict == "warn"


def test_what_cannot_be_estimated_is_not_judged_and_says_why(evaluated: Database, root: SnapshotRoot) -> None:
    found = {
        "too few": check_estimate(evaluated, scores(root, 50), model="m"),
        "not a binary classification metric": check_estimate(
            evaluated, scores(root), model="m", policy={"performance": {"metric": "rmse"}}
        ),
    }
    concept = {"model": "m", "version": 1, "kind": "concept_drift", "rows": 9}
    windows.record(evaluated, windows.WindowResult(partition="2026-03-30", verdict="fail", **concept))
    found["no longer valid"] = check_estimate(evaluated, scores(root), model="m")
    windows.record(evaluated, windows.WindowResult(partition="2026-03-30", verdict="pass", **concept))
    assert check_estimate(evaluated, scores(root), model="m").verdict == "pass"
    baselines.save(evaluated, "m", 1, "relation", {"reason": "margins"})
    found["no calibration is recorded"] = check_estimate(evaluated, scores(root), model="m")
    for told, report in found.items():
        assert report.verdict == "inconclusive"
        assert told in report.checks[0].message
        report.to_json()
