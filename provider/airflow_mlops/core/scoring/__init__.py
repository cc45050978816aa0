"""Batch scoring with one pinned model version."""

from airflow_mlops.core.scoring.columns import MODEL_COLUMN, SCORE_COLUMN, VERSION_COLUMN
from airflow_mlops.core.scoring.job import BATCH_ROWS, ScoringJob, score

__all__ = ["BATCH_ROWS", "MODEL_COLUMN", "SCORE_COLUMN", "VERSION_COLUMN", "ScoringJob", "score"]
