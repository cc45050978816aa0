"""Drift of a snapshot against the baseline that travels with a model version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlops.core.data import DriftPolicy, Profile, check_drift, profile
from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.policy import load_section
from airflow_mlops.core.report import Report
from airflow_mlops.store.tables import Version


def check_snapshot(version: Version, snapshot: Snapshot, policy: str | Mapping[str, Any] | None = None) -> Report:
    """Profile a snapshot on the grid of a version's baseline and compare the two.

    :param policy: the path of a ``policy.yaml`` with a ``drift`` section, or its content.
    """
    baseline = Profile.from_dict(version.baseline)
    current = profile(snapshot.scan(), columns=list(baseline.columns), like=baseline, cluster=baseline.cluster)
    subject = (
        f"{snapshot.ref.dataset} {snapshot.ref.partition or snapshot.ref.id} against {version.model} v{version.version}"
    )
    return check_drift(baseline, current, load_section(DriftPolicy, policy, "drift"), subject=subject)
