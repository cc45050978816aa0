"""Labels that come late recompute the window that they belong to, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.monitoring.performance import check_performance
from airflow_mlops.core.monitoring.stale_windows import find_stale_windows
from airflow_mlops.store import catalogue, versions, windows
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

DATASETS = {"scores": "s", "labels": "l"}
ROWS = 1000


def day(number: int) -> str:
    return (date(2026, 3, 2) + timedelta(days=number)).isoformat()


class Served:
    """A model that is served every day; the label of a row is known the next day, or late."""

    def __init__(self, database: Database, root: SnapshotRoot) -> None:
        self.database, self.root = database, root
        version = Version(
            model="m", version=1, digest="0", run_id="r", artifact_uri="/a", candidate="c", data={}, baseline={},
            actor="a", recorded_at=now(),
        )  # fmt: skip
        versions.add(database, version)

    def rows(self, number: int) -> pd.DataFrame:
        rng = np.random.default_rng(number)
        y = rng.integers(0, 2, ROWS)
        score = 1 / (1 + np.exp(-(2 * y - 1 + rng.normal(size=ROWS))))
        return pd.DataFrame({"id": range(ROWS), "y": y, "score": score, "model_version": 1})

    def write(self, number: int, labelled: float = 1.0) -> None:
        rows = self.rows(number)
        for dataset, frame in (
            ("s", rows[["id", "score", "model_version"]]),
            ("l", rows[["id", "y"]].head(int(ROWS * labelled))),
        ):
            catalogue.record(self.database, self.root.write(dataset, frame, partition=day(number)))

    def check(self, partition: str) -> Any:
        scores, labels = (self.root.open(catalogue.current(self.database, d, partition)) for d in ("s", "l"))
        return check_performance(self.database, scores, labels, model="m", key="id", target="y")

    def seen(self) -> dict[str, tuple[Any, ...]]:
        """Everything about each window, its moment and its report, too."""
        found = windows.of_model(self.database, "m", "performance")
        return {w.partition: (w.verdict, w.value, w.rows, w.report, w.recorded_at, w.inputs) for w in found}

    def late(self, at: int) -> list[str]:
        return find_stale_windows(self.database, "m", "performance", DATASETS, before=day(at))


@pytest.fixture
def served(database: Database, root: SnapshotRoot) -> Served:
    """Forty days, day 5 with a quarter of its labels; each was judged the day after."""
    served = Served(database, root)
    for number in range(40):
        served.write(number, 0.25 if number == 5 else 1.0)
        served.check(day(number))
    return served


@pytest.mark.parametrize("days", [7, 30])
def test_labels_that_are_days_late_are_judged_with_their_own_window_and_no_other_is_touched(
    served: Served, days: int
) -> None:
    before = served.seen()
    assert before[day(5)][0] == "inconclusive"  # not enough labels yet is no pass
    assert "a label yet" in served.check(day(5)).checks[0].message
    before = served.seen()
    assert served.late(5 + days) == []
    served.write(5)
    assert served.late(5 + days) == [day(5)]
    served.check(day(5))
    after = served.seen()
    assert {p for p in after if after[p] != before[p]} == {day(5)}
    assert (after[day(5)][2], before[day(5)][2]) == (ROWS, ROWS // 4)
    assert served.late(5 + days) == []  # and then there is nothing to do any more
    again = served.check(day(5))
    assert (again.facts["value"], again.facts["low"]) == (after[day(5)][1], again.facts["low"])
    assert served.seen()[day(5)][:3] == after[day(5)][:3]


def test_a_backfill_over_past_windows_says_what_was_said_live(served: Served) -> None:
    live = served.seen()
    for number in reversed(range(40)):
        served.check(day(number))
    again = served.seen()
    assert {p: w[:3] for p, w in again.items()} == {p: w[:3] for p, w in live.items()}


def test_a_window_that_nobody_could_judge_yet_is_found_when_its_labels_come(served: Served) -> None:
    rows = served.rows(41)
    catalogue.record(served.database, served.root.write("s", rows[["id", "score", "model_version"]], partition=day(41)))
    assert served.late(60) == []  # there are no labels at all
    catalogue.record(served.database, served.root.write("l", rows[["id", "y"]], partition=day(41)))
    assert served.late(60) == [day(41)]
    assert served.late(41) == []  # its own run judges it
