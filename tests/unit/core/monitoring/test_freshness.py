"""A model that nobody has trained for too long is found, and one that was never trained is not called fresh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.monitoring.freshness import check_freshness
from airflow_mlops.store import versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry, Version

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def train(database: Database, version: int, days_ago: float, decision: str | None = "reject") -> None:
    versions.add(
        database,
        Version(
            model="churn",
            version=version,
            digest="d",
            run_id="r",
            artifact_uri="file:///x",
            candidate="c",
            data={},
            baseline={},
            gate_decision=decision,
            actor="test",
            recorded_at=NOON - days_ago * DAY,
        ),
    )


def crown(database: Database, version: int, revision: int, days_ago: float) -> None:
    moment = NOON - days_ago * DAY
    with database.session() as session:
        session.add(
            LedgerEntry(
                model="churn",
                revision=revision,
                previous_revision=revision - 1 or None,
                version=version,
                digest="d",
                reason="",
                actor="test",
                recorded_at=moment,
                effective_at=moment,
            )
        )


def judged(database: Database, **limits: float) -> str:
    return check_freshness(database, model="churn", as_of=NOON.isoformat(), **{"max_days": 30, **limits}).verdict


def test_a_training_within_the_days_is_fresh_and_one_before_is_not(database: Database) -> None:
    train(database, 1, 31)
    assert judged(database) == "fail"
    train(database, 2, 29)
    assert judged(database) == "pass"
    assert judged(database, max_days=28) == "fail"


def test_a_version_whose_gate_has_not_decided_is_no_successful_training(database: Database) -> None:
    train(database, 1, 40, "promote")
    train(database, 2, 1, None)
    assert judged(database) == "fail"


def test_a_model_that_was_never_trained_is_not_judged(database: Database) -> None:
    assert judged(database) == "inconclusive"


def test_what_comes_after_the_moment_does_not_count(database: Database) -> None:
    train(database, 1, -1)
    assert judged(database) == "inconclusive"


def test_a_champion_may_be_too_long_in_office_though_challengers_are_trained(database: Database) -> None:
    train(database, 1, 100, "promote")
    train(database, 2, 1)
    crown(database, 1, 1, 100)
    assert judged(database) == "pass"
    assert judged(database, champion_max_days=90) == "fail"
    assert judged(database, champion_max_days=101) == "pass"


def test_the_report_says_how_long_ago(database: Database) -> None:
    train(database, 1, 40.5)
    report = check_freshness(database, model="churn", max_days=30, as_of=NOON.isoformat())
    assert "the last successful training was 40.5 days ago, on 2026-03-25" in report.summary()


@pytest.mark.parametrize("limits", [{"max_days": 0}, {"max_days": float("nan")}, {"champion_max_days": -1}])
def test_days_that_are_none_are_refused(database: Database, limits: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="must be positive"):
        judged(database, **limits)
