"""An episode is closed by what became of its run, and by nothing older."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_mlops.common.report import Check, Report
from airflow_mlops.operators.episode import CloseEpisodeOperator
from airflow_mlops.store import episodes, reports, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

Execute = Callable[..., Any]


@pytest.fixture
def gate(database: Database) -> dict[str, Any]:
    """A version that its gate let pass, for an episode that this run has claimed."""
    report = Report.from_checks("gate", "m v1", [Check("gain", "pass")], decision="promote", facts={"binding": BINDING})
    reports.publish(database, report, actor="d/r/gate/-1")
    versions.add(
        database,
        Version(
            model="m", version=1, digest="d", run_id="r", artifact_uri="/a", candidate="c", data={}, baseline={},
            actor="a", recorded_at=now(),
        ),
    )  # fmt: skip
    versions.bind_gate(database, "m", 1, report_id=report.id, decision="promote")
    opened = episodes.open_episode(database, model="m", version=1, change_partition="p", report=None)
    assert opened is not None
    assert episodes.request(database, opened.id, partition="p", cutoff="p")
    assert episodes.claim(database, opened.id, actor="d/r")
    return report.ref().to_dict()


BINDING = {"model": "m", "version": 1, "digest": "d"}


@pytest.mark.parametrize(
    ("again", "outcome", "closed"), [("reject", "rejected", True), ("hold", "on_hold", True), (None, "failed", False)]
)
def test_what_a_promotion_that_lost_a_race_found_closes_the_episode(
    execute: Execute, database: Database, gate: dict[str, Any], again: str | None, outcome: str, closed: bool
) -> None:
    if again is not None:
        versions.bind_gate(database, "m", 1, report_id="newer", decision=again)
    ended = execute(CloseEpisodeOperator(task_id="close", plan={"episode": 1}, gate=gate, promotion=None))
    assert (ended.error, ended.result) == (None, outcome)
    (episode,) = episodes.of_model(database, "m")
    assert (episode.closed_at is not None) is closed


def test_a_run_whose_gate_was_not_reached_gives_the_episode_back(
    execute: Execute, database: Database, gate: dict[str, Any]
) -> None:
    assert execute(CloseEpisodeOperator(task_id="close", plan={"episode": 1}, gate=None)).result == "failed"
    assert episodes.of_model(database, "m")[0].closed_at is None
