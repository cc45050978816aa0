"""What the churn DAGs have in common. Imported while DAG files are parsed."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param

MODEL = "churn"
CONTRACT = "include/churn/contract.yaml"
POLICY = "include/churn/policy.yaml"
CANDIDATES = ["include.churn.model:linear", "include.churn.model:boosted"]

# The same shares for ever: a customer of the test part is never trained on, in any retraining.
TEST_SHARE = 0.3
VALIDATION_SHARE = 0.15

# A retry mends a database that was away for a moment. Bad input and refusals are not retried: they fail at once.
DEFAULT_ARGS = {"owner": "churn-team", "retries": 2, "retry_delay": timedelta(seconds=10)}

CHAMPION_AT = Param(
    None,
    "The champion of this moment instead of the week's own: an ISO date or date-time.",
    type=["null", "string"],
    title="Champion of",
)
