"""A published report is found again as it was."""

from __future__ import annotations

import math

import pytest

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.report import Check, Report
from airflow_mlops.store import reports
from airflow_mlops.store.database import Database


def report(subject: str = "s") -> Report:
    checks = [Check("c", "fail", observed=math.nan, where="é", message="m")]
    return Report.from_checks("gate", subject, checks, decision="reject", facts={"a": {"b": [1, None]}})


def test_a_report_comes_back_as_it_was_published(each_database: Database) -> None:
    published = report()
    reports.publish(each_database, published, actor="d/r/t/0")
    assert reports.get(each_database, published.id).to_json() == published.to_json()


def test_publishing_again_changes_nothing(each_database: Database) -> None:
    published = report()
    for _ in range(2):
        reports.publish(each_database, published, actor="d/r/t/0")
    assert len(reports.of_actor(each_database, "d/r/t/0")) == 1


def test_a_subject_without_end_is_cut(each_database: Database) -> None:
    published = report("s" * 10**6)
    reports.publish(each_database, published, actor="a")
    assert len(reports.get(each_database, published.id).subject) <= 500


def test_what_was_never_published_is_not_found(each_database: Database) -> None:
    with pytest.raises(NotFound, match="there is no report x"):
        reports.get(each_database, "x")


def test_the_reports_of_a_run_come_in_order_and_no_others_do(each_database: Database) -> None:
    mine = [report(f"{i}") for i in range(3)]
    for number, one in enumerate(mine):
        reports.publish(each_database, one, actor=f"d/r_1/t{number}/0")
    for other in ("d/r_11/t/0", "d/rx1/t/0", "dd/r_1/t/0", "d/r%/t/0"):
        reports.publish(each_database, report(other), actor=other)
    assert [r.subject for r in reports.of_actor(each_database, "d/r_1/")] == ["0", "1", "2"]


def test_a_mapped_task_s_reports_are_not_taken_for_those_of_an_index_that_begins_alike(each_database: Database) -> None:
    for index in (1, 10, 11):
        reports.publish(each_database, report(f"{index}"), actor=f"d/r/t/{index}")
    assert [r.subject for r in reports.of_actor(each_database, "d/r/t/1")] == ["1"]
