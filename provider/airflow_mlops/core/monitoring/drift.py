"""Drift of a snapshot, or of its scores, against the baseline that travels with a model version."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_mlops.core.data import DriftPolicy, Profile, check_drift, profile
from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.policy import load_section
from airflow_mlops.core.report import Check, Report
from airflow_mlops.store import baselines, windows
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

LAST_WINDOWS = 11
Policy = str | Mapping[str, Any] | None


def check_features(database: Database, version: Version, snapshot: Snapshot, policy: Policy = None) -> Report:
    """Hold a snapshot against the training rows of a version, and keep the window.

    :param policy: the path of a ``policy.yaml`` with a ``drift`` section, or its content.
    """
    return _judged(database, version, snapshot, Profile.from_dict(version.baseline), policy, "drift")


def check_predictions(database: Database, version: Version, scores: Snapshot, policy: Policy = None) -> Report:
    """Hold scores against those that the version gave when it was evaluated, and keep the window.

    :param scores: what :func:`airflow_mlops.core.monitoring.scoring.score` wrote.
    :param policy: as for the features; what it says about single columns and their importance is left out.
    :return: ``not_judged`` for a version that was never evaluated with this store.
    """
    kept = baselines.get(database, version.model, version.version, "scores")
    if kept is None:
        message = "nothing is known of how its scores were spread: evaluate the version with EvaluateModelOperator"
        report = Report.of(
            "prediction_drift", _subject(scores, version), [Check("scores", "not_judged", message=message)]
        )
        return _kept(database, version, scores, report)
    whole = load_section(DriftPolicy, policy, "drift")
    own = whole.model_copy(update={"columns": {}, "importance": {}, "ignore": ()})
    return _judged(database, version, scores, Profile.from_dict(kept), own, "prediction_drift")


def last_windows(database: Database, version: Version, kind: str, before: str) -> list[dict[str, Any]]:
    """Give the last windows of a version before a partition, oldest first, for the picture."""
    found = windows.of_model(database, version.model, kind, version=version.version)
    earlier = [w for w in found if w.partition < before][-LAST_WINDOWS:]
    return [{"partition": w.partition, "value": w.value, "verdict": w.verdict} for w in earlier]


def _judged(
    database: Database,
    version: Version,
    snapshot: Snapshot,
    baseline: Profile,
    policy: Policy | DriftPolicy,
    kind: str,
) -> Report:
    """Profile on the baseline's cells, compare, keep the window."""
    # Scores may have come without the column that says which rows belong together: then each stands for itself.
    cells = baseline if baseline.cluster in snapshot.schema else replace(baseline, cluster=None)
    report = check_drift(
        baseline,
        profile(snapshot, like=cells),
        load_section(DriftPolicy, policy, "drift"),
        subject=_subject(snapshot, version),
        kind=kind,
        windows=last_windows(database, version, kind, _partition(snapshot)),
    )
    return _kept(database, version, snapshot, report)


def _kept(database: Database, version: Version, snapshot: Snapshot, report: Report) -> Report:
    """Keep the window, with the largest effect in thresholds as its figure."""
    largest = report.facts.get("largest_effects") or []
    value = largest[0]["thresholds"] if largest else None
    windows.record(
        database,
        model=version.model,
        version=version.version,
        kind=report.kind,
        partition=_partition(snapshot),
        verdict=report.verdict,
        value=value if value is not None and math.isfinite(value) else None,
        rows=snapshot.ref.rows,
        report=report.id,
    )
    return report


def _partition(snapshot: Snapshot) -> str:
    return snapshot.ref.partition or snapshot.ref.id


def _subject(snapshot: Snapshot, version: Version) -> str:
    return f"{snapshot.ref.dataset} {_partition(snapshot)} against {version.model} v{version.version}"
