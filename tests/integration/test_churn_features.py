from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_mlops.store import reports


@pytest.mark.usefixtures("business")
def test_a_week_brings_its_features_and_the_labels_of_two_weeks_before(
    run_dag: Callable[..., Any], lifecycle: Any
) -> None:
    run = run_dag("churn_features", partition_key="2026-04-06", run_after=datetime(2026, 4, 6, tzinfo=UTC))

    assert run.tasks == {
        "ingest_labels": ["success"],
        "ingest_features": ["success"],
        "validate_features": ["success"],
    }
    labels, features = run.xcom("ingest_labels"), run.xcom("ingest_features")
    assert (labels["partition"], features["partition"]) == ("2026-03-23", "2026-04-06")
    assert min(labels["rows"], features["rows"]) > 100
    assert "churned" not in lifecycle.root.open(features).schema
    report = reports.get(lifecycle.database, run.xcom("validate_features")["id"])
    assert report.verdict == "pass"


@pytest.mark.usefixtures("business")
def test_labels_from_before_the_first_features_are_skipped(run_dag: Callable[..., Any]) -> None:
    run = run_dag("churn_features", partition_key="2026-01-12", run_after=datetime(2026, 1, 12, tzinfo=UTC))

    assert run.states == {
        "ingest_labels": "skipped",
        "ingest_features": "success",
        "validate_features": "success",
    }
