"""Drift: has the data moved away from the reference, by an amount that matters, and not by chance?"""

from __future__ import annotations

from airflow_mlops.core.data.drift.judge import check_drift
from airflow_mlops.core.data.drift.policy import ColumnPolicy, DriftPolicy

__all__ = ["ColumnPolicy", "DriftPolicy", "check_drift"]
