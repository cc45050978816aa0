"""Leakage checks on the parts of a split, run before any training."""

from airflow_mlops.core.training.leakage.check import SAMPLE_ROWS, check_leakage
from airflow_mlops.core.training.leakage.exemptions import LeakageExemption

__all__ = ["SAMPLE_ROWS", "LeakageExemption", "check_leakage"]
