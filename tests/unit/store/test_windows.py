"""A window: the newest word on a version and a partition."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.report import Report
from airflow_mlops.store import attempts, reports, windows
from airflow_mlops.store.database import Database
from airflow_mlops.store.windows import WindowResult


def record(database: Database, partition: str = "2026-04-06", **how: Any) -> None:
    facts = {"model": "m", "version": 1, "kind": "drift", "verdict": "pass", "rows": 5, **how}
    report = facts.pop("report", None)
    windows.record(database, WindowResult(partition=partition, **facts), report)


def test_seen_again_the_newest_word_counts(each_database: Database) -> None:
    record(each_database, verdict="fail", value=0.5, report=Report.from_checks("drift", "m", []))
    record(each_database, verdict="pass", rows=9)
    (window,) = windows.of_model(each_database, "m", "drift")
    assert (window.verdict, window.rows, window.value, window.report) == ("pass", 9, None, None)


def test_another_version_kind_or_partition_is_another_window_and_they_come_in_order(each_database: Database) -> None:
    for partition in ("2026-04-13", "2026-04-06"):
        for version in (2, 1):
            record(each_database, partition, version=version)
    record(each_database, kind="performance")
    record(each_database, model="other")
    found = [(w.partition, w.version) for w in windows.of_model(each_database, "m", "drift")]
    assert found == [("2026-04-06", 1), ("2026-04-06", 2), ("2026-04-13", 1), ("2026-04-13", 2)]
    assert [w.partition for w in windows.of_model(each_database, "m", "drift", version=2)] == [
        "2026-04-06",
        "2026-04-13",
    ]
    assert len(windows.of_model(each_database, "m", "performance")) == 1


def test_many_at_once_leave_one_window(each_database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: record(each_database, rows=i), range(24)))
    assert len(windows.of_model(each_database, "m", "drift")) == 1


def test_slices_and_the_window_before_stand_beside_the_whole(each_database: Database) -> None:
    record(each_database, inputs={"rows": "a"}, broken_columns={"x": "gone"})
    record(each_database, slice_="plan=basic", verdict="fail")
    record(each_database, against="previous", verdict="warn")
    (whole,) = windows.of_model(each_database, "m", "drift")
    assert (whole.verdict, whole.inputs, whole.broken_columns) == ("pass", {"rows": "a"}, {"x": "gone"})
    assert [w.slice for w in windows.of_model(each_database, "m", "drift", slice_=None)] == ["", "plan=basic"]
    assert [w.verdict for w in windows.of_model(each_database, "m", "drift", against="previous")] == ["warn"]
    record(each_database, kind="performance", partition="2026-04-13")
    assert [w.kind for w in windows.of_version(each_database, "m", 1, ["drift", "performance"])] == [
        "drift",
        "performance",
    ]
    assert windows.partitions(each_database, "m") == ["2026-04-06", "2026-04-13"]


def test_a_window_and_its_report_are_saved_together_or_not_at_all(
    each_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, result = Report.from_checks("drift", "m", []), WindowResult("m", 1, "drift", "p", "pass", 5)
    results, key = [result, replace(result, slice_="a=1")], "dag/run/task/-1"
    save, saved = windows._save, []

    def fail_at_the_second(session: Any, result: WindowResult, report_id: str | None) -> None:
        saved.append(result)
        if len(saved) == 2:
            raise RuntimeError("killed")
        save(session, result, report_id)

    monkeypatch.setattr(windows, "_save", fail_at_the_second)
    with pytest.raises(RuntimeError):
        windows.record(each_database, results, report)
    assert windows.of_model(each_database, "m", "drift", slice_=None) == []
    with pytest.raises(NotFound):
        reports.get(each_database, report.id)
    monkeypatch.undo()
    windows.record(each_database.fenced(key, attempts.begin(each_database, key)), results, report)
    assert [w.report for w in windows.of_model(each_database, "m", "drift", slice_=None)] == [report.id] * 2
    assert reports.get_row(each_database, report.id).actor == key
