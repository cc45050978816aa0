"""Detection of data drift between a reference and current data."""

from __future__ import annotations

from airflow_mlops.core.drift.data.data_drift import check_drift
from airflow_mlops.core.drift.data.drift_policy import ColumnDriftPolicy, DriftPolicy

__all__ = ["ColumnDriftPolicy", "DriftPolicy", "check_drift"]
