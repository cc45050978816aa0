"""A monitored model: a champion in the ledger, drift windows, labels in the catalogue."""

from __future__ import annotations

from datetime import date, timedelta

from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.common.report import Report
from airflow_mlops.core.retraining.episodes import EpisodePolicy, advance
from airflow_mlops.store import catalogue, ledger, windows
from airflow_mlops.store.database import Database


def week(number: int) -> str:
    """The partition of a week; week 0 is 2026-01-05."""
    return (date(2026, 1, 5) + timedelta(weeks=number)).isoformat()


class WatchedModel:
    """Weeks go by: labels come two weeks after their own week."""

    delay = 2
    week = staticmethod(week)

    def __init__(self, database: Database) -> None:
        self.database = database
        self.policy = EpisodePolicy(min_labelled_rows=1000, cool_down=2)

    def champion(self, version: int = 1) -> None:
        head = ledger.head(self.database, "m")
        ledger.append(
            self.database, model="m", expected_revision=head and head.revision, version=version, digest="0",
            gate_report=None, approver=None, reason="r", actor=f"a{version}",
        )  # fmt: skip

    def labels(self, number: int, rows: int = 600) -> None:
        catalogue.record(self.database, SnapshotRef("l", f"{number}-{rows}", "u", rows, week(number)))

    def window(self, number: int, verdict: str, version: int = 1) -> None:
        windows.record(
            self.database,
            windows.WindowResult(
                model="m", version=version, kind="drift", partition=week(number), verdict=verdict, rows=1
            ),
        )

    def advance(self, number: int, policy: EpisodePolicy | None = None) -> Report:
        return advance(
            self.database,
            policy or self.policy,
            model="m",
            partition=week(number),
            labels="l",
            labelled_until=week(number - self.delay),
        )

    def live(self, number: int, verdict: str, version: int = 1) -> str:
        """One week: its window is judged, the labels of two weeks ago arrive, the episode moves on."""
        self.labels(number - self.delay)
        self.window(number, verdict, version)
        return str(self.advance(number).facts["state"])
