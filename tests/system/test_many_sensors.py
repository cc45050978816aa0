"""Many deferred sensors in a real triggerer: they share one poll, and each wakes up for its own event alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.waiting.session import SMALL, measure

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Forty sensors of three kinds; some get what they wait for one after another, then all the others at once."""
    folder: Path = tmp_path_factory.mktemp("many")
    return measure(folder / "airflow", {**SMALL, "burst": True}, port=19481)


def test_one_poll_asks_for_all_sensors(found: dict[str, Any]) -> None:
    most_looks = 60 / SMALL["poll_s"]
    # A look is a transaction or two, whatever the number of sensors; forty polls would be forty times as many.
    assert 0 < found["polls_a_minute"] <= 3 * most_looks


def test_each_event_wakes_its_own_sensor_alone(found: dict[str, Any]) -> None:
    assert len(found["taken_s"]) == SMALL["events"]  # measured only where no other one woke up
    assert all(taken > 0 for taken in found["taken_s"])


def test_what_happens_to_all_at_once_is_lost_for_none(found: dict[str, Any]) -> None:
    assert found["burst"] == SMALL["sensors"] - SMALL["events"]
    assert found["burst_ran"] == found["burst"]
