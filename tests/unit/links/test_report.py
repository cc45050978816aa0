"""The link leads to the report that the task has published, however the task ended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseOperator
from airflow.sdk.execution_time.xcom import XCom

from airflow_mlops.common.report import Check, Report
from airflow_mlops.links.report import ReportLink, find_report_id

REPORT = Report.from_checks("gate", "m v1", [Check("c", "pass")])
REF = REPORT.ref().to_dict()
OTHER = {**REF, "id": "other"}


def link(monkeypatch: pytest.MonkeyPatch, **xcoms: Any) -> str:
    monkeypatch.setattr(XCom, "get_value", lambda *, ti_key, key: xcoms.get(key))
    return ReportLink().get_link(BaseOperator(task_id="t"), ti_key=SimpleNamespace())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [REF, {"report": REF}, [REF], [None, {"kind": "snapshot", "id": "s"}, REF], {"a": {"b": [REF]}}, [REF, OTHER]],
)
def test_it_is_found_in_what_the_task_returned(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert link(monkeypatch, return_value=value) == f"/mlops/reports/{REPORT.id}"


def test_what_a_task_published_before_it_failed_counts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert link(monkeypatch, report=REF) == f"/mlops/reports/{REPORT.id}"
    assert link(monkeypatch, report=REF, return_value=OTHER) == f"/mlops/reports/{REPORT.id}"


@pytest.mark.parametrize("value", [None, 3, "report", {}, [], {"kind": "report"}, {"kind": "report", "id": ""},
                                   {"kind": "report", "id": 7}, {"kind": "run", "id": "x"}, [[[[[REF]]]]]])  # fmt: skip
def test_without_a_report_there_is_no_link(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_report_id(value) is None
    assert link(monkeypatch, return_value=value) == ""


def test_an_id_cannot_lead_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = {"kind": "report", "id": "../../api/v2?x=<y>"}
    assert link(monkeypatch, return_value=evil) == "/mlops/reports/..%2F..%2Fapi%2Fv2%3Fx%3D%3Cy%3E"


@pytest.mark.parametrize(
    ("base", "below"), [("https://host/airflow/", "/airflow"), ("http://localhost:8080", ""), ("", "")]
)
def test_it_stays_below_the_path_that_airflow_is_served_from(
    base: str, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    assert link(monkeypatch, return_value=REF) == f"{below}/mlops/reports/{REPORT.id}"


def test_it_has_a_name_and_a_key_of_its_own() -> None:
    assert (ReportLink().name, ReportLink().xcom_key) == ("Report", "_link_ReportLink")
