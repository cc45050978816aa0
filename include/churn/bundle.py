"""Shared settings of the churn DAGs. Imported while DAG files are parsed."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param

MODEL = "churn"
CONTRACT = "include/churn/contract.yaml"
POLICY = "include/churn/policy.yaml"
CANDIDATES = ["include.churn.model:linear", "include.churn.model:boosted"]

# Do not change: a customer of the test part must never become training data.
TEST_FRACTION = 0.3
VALIDATION_FRACTION = 0.15

# Retries are for transient failures. Bad input and rejected requests fail at once.
DEFAULT_ARGS = {"owner": "churn-team", "retries": 2, "retry_delay": timedelta(seconds=10)}

CHAMPION_AT = Param(
    None,
    "Use the champion of this time instead of the week's own: an ISO date or date-time.",
    type=["null", "string"],
    title="Champion of",
)
