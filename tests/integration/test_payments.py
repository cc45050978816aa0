"""Many partitions by ``dag.test``: what mapped tasks find together is what one scan of everything finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from airflow_mlops.common.refs import ProfileRef, SnapshotRef
from airflow_mlops.core.data.profiles import profile, storage
from airflow_mlops.store import reports
from include.payments.rows import list_days
from tests.differential.profiles import profiles_equal

Run = Callable[..., Any]


def of_each(run: Any, task: str) -> list[dict[str, Any]]:
    return [run.xcom(task, map_index=index) for index in range(len(run.tasks[task]))]


def test_the_merged_profile_of_all_days_is_that_of_one_scan(run_dag: Run, lifecycle: Any) -> None:
    run = run_dag("payments", run_conf={"partitions": 3, "rows": 2_000})

    assert run.state == "success"
    assert run.tasks["profile"] == ["success"] * 3
    snapshots = [SnapshotRef.from_dict(ref) for ref in of_each(run, "ingest")]
    assert [ref.partition for ref in snapshots] == list_days(3)
    merged = storage.load_profile(lifecycle.root, ProfileRef.from_dict(run.xcom("merge")))
    cells = storage.load_profile(lifecycle.root, ProfileRef.from_dict(run.xcom("cells")))
    every_row = pl.concat([lifecycle.root.open(ref).scan() for ref in snapshots])
    assert merged.rows == 6_000
    assert profiles_equal(merged, profile(every_row, like=cells))


def test_each_day_is_judged_by_the_contract_and_the_last_one_against_all(run_dag: Run, lifecycle: Any) -> None:
    run = run_dag("payments", run_conf={"partitions": 3, "rows": 2_000})

    judged = [reports.get(lifecycle.database, ref["id"]) for ref in of_each(run, "validate")]
    assert [report.verdict for report in judged] == ["pass"] * 3
    assert reports.get(lifecycle.database, run.xcom("drift")["id"]).verdict == "pass"


def test_the_same_days_again_are_the_same_snapshots(run_dag: Run, lifecycle: Any) -> None:
    first, second = (run_dag("payments", run_conf={"partitions": 2, "rows": 1_000}) for _ in range(2))

    assert [ref["id"] for ref in of_each(first, "ingest")] == [ref["id"] for ref in of_each(second, "ingest")]


@pytest.mark.parametrize("wrong", [{"partitions": 1}, {"rows": 10}])
def test_a_form_that_makes_no_sense_starts_nothing(run_dag: Run, lifecycle: Any, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="Invalid input for param"):
        run_dag("payments", run_conf=wrong)
