"""Which version was champion when: on the data's clock and on the store's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.registry.history import champion_at
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version


def promote(database: Database, number: int, effective_at: datetime) -> None:
    """Keep a version and make it champion."""
    common = {"model": "m", "version": number, "digest": str(number)}
    version = Version(
        **common, run_id="r", artifact_uri="/a", candidate="c", data={}, baseline={}, actor="a", recorded_at=now()
    )
    versions.add(database, version)
    ledger.append(
        database,
        **common,
        expected_revision=number - 1 or None,
        gate_report=None,
        approver=None,
        reason="r",
        actor=f"p{number}",
        effective_at=effective_at,
    )


@pytest.fixture
def told(database: Database) -> Database:
    """Version 1 from 6 April on the data's clock, 2 from 20 April 10:00; both recorded now."""
    promote(database, 1, datetime(2026, 4, 6, tzinfo=UTC))
    promote(database, 2, datetime(2026, 4, 20, 10, tzinfo=UTC))
    return database


@pytest.mark.parametrize(
    ("moment", "version"),
    [
        ("2026-04-05", None),
        ("2026-04-05T23:59:59.999999", None),
        ("2026-04-06", 1),  # the boundary belongs to the new one
        ("2026-04-20", 1),
        ("2026-04-20T09:59:59.999999+00:00", 1),
        ("2026-04-20T10:00:00", 2),
        ("2026-04-20T12:00:00+02:00", 2),
        ("2026-04-20T11:59:59+02:00", 1),
        ("2126-01-01", 2),
        (None, 2),
    ],
)
def test_the_champion_of_a_moment_in_the_data(told: Database, moment: str | None, version: int | None) -> None:
    found = champion_at(told, "m", moment)
    assert (found and found.version) == version


def test_the_champion_that_was_known_at_a_moment(told: Database) -> None:
    later = (now() + timedelta(seconds=1)).isoformat()
    earlier = (now() - timedelta(minutes=5)).isoformat()
    assert champion_at(told, "m", earlier, clock="recorded") is None
    found = champion_at(told, "m", later, clock="recorded")
    assert found is not None
    assert found.version == 2


def test_of_two_changes_at_one_moment_the_later_decision_holds(told: Database) -> None:
    promote(told, 3, datetime(2026, 4, 20, 10, tzinfo=UTC))
    found = champion_at(told, "m", "2026-04-20T10:00")
    assert found is not None
    assert found.version == 3


def test_another_model_has_no_champion(told: Database) -> None:
    assert champion_at(told, "other") is None


def test_what_is_no_date_is_refused(told: Database) -> None:
    with pytest.raises(BadInput, match="'latest' is not a valid timestamp"):
        champion_at(told, "m", "latest")
