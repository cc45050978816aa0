"""Batch scoring with one pinned version."""

from airflow_mlops.core.monitoring.scoring.columns import MODEL, SCORE, VERSION
from airflow_mlops.core.monitoring.scoring.score import BATCH_ROWS, Job, score

__all__ = ["BATCH_ROWS", "MODEL", "SCORE", "VERSION", "Job", "score"]
