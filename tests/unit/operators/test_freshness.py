"""The freshness check fails after it has published, and takes its days from templates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.operators.freshness import CheckFreshnessOperator
from airflow_mlops.store import versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version


@pytest.fixture(autouse=True)
def trained(database: Database) -> None:
    versions.add(
        database,
        Version(
            model="churn",
            version=1,
            digest="d",
            run_id="r",
            artifact_uri="file:///x",
            candidate="c",
            data={},
            baseline={},
            gate_decision="promote",
            actor="test",
            recorded_at=datetime(2026, 3, 1, tzinfo=UTC),
        ),
    )


def test_a_stale_model_fails_the_task_after_the_report_is_published(execute: Callable[..., Any]) -> None:
    task = CheckFreshnessOperator(task_id="fresh", model="churn", max_days="{{ 10 * 3 }}", as_of="2026-05-04")
    ended = execute(task)
    assert isinstance(ended.error, AirflowFailException)
    assert (ended.report.kind, ended.report.verdict) == ("freshness", "fail")


def test_a_fresh_one_gives_its_report(execute: Callable[..., Any]) -> None:
    task = CheckFreshnessOperator(
        task_id="fresh", model="churn", max_days=90, champion_max_days="{{ None }}", as_of="2026-05-04"
    )
    ended = execute(task)
    assert ended.error is None
    assert ended.result["verdict"] == "pass"


def test_days_that_are_no_number_fail_at_once(execute: Callable[..., Any]) -> None:
    ended = execute(CheckFreshnessOperator(task_id="fresh", model="churn", max_days="soon"))
    assert isinstance(ended.error, AirflowFailException)
    assert "max_days is not a number of days" in str(ended.error)
