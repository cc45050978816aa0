"""Operator link to the report of a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

REPORT_KEY = "report"
"""XCom key of the report reference, pushed before the task fails, skips or branches."""
RETURN_VALUE = "return_value"
MAX_DEPTH = 4


class ReportLink(BaseOperatorLink):
    """Link *Report*: the page of the task's report.

    Airflow computes the link on the worker when the task ends, in any state, and stores it.
    """

    @property
    def name(self) -> str:
        """Label of the link."""
        return "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the path of the report page; empty without a report.

        :param operator: operator of the task.
        :param ti_key: key of the task instance.
        """
        from airflow.sdk.execution_time.xcom import XCom

        # The published report first: the return value may be the reference of another task's report.
        for key in (REPORT_KEY, RETURN_VALUE):
            id_ = find_report_id(XCom.get_value(ti_key=ti_key, key=key))
            if id_ is not None:
                return report_path(id_)
        return ""


def report_path(report_id: str) -> str:
    """Return the path of a report page on Airflow's web server."""
    return site_path(f"reports/{quote(report_id, safe='')}")


def site_path(page: str) -> str:
    """Return the path of one of the provider's pages, below ``[api] base_url``."""
    from airflow.sdk.configuration import conf

    prefix = urlsplit(str(conf.get("api", "base_url", fallback="") or "")).path.rstrip("/")
    return f"{prefix}/mlops/{page}"


def find_report_id(value: Any) -> str | None:
    """Find the ID of the first report reference in a task's result, including nested dicts and lists."""
    return next(_report_ids(value, MAX_DEPTH), None)


def _report_ids(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, Mapping):
        if value.get("kind") == "report" and isinstance(value.get("id"), str) and value["id"]:
            yield value["id"]
            return
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _report_ids(item, depth - 1)
