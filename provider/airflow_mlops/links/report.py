"""The link from a task to the report that it has published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

PUBLISHED = "report"
"""The XCom under which a task leaves its report's reference before it fails, skips or branches."""
RETURNED = "return_value"
DEEPEST = 4


class ReportLink(BaseOperatorLink):
    """``Report``: the page of the report that the task has published.

    Airflow asks for it on the worker when the task has ended, however it ended, and keeps the answer.
    """

    @property
    def name(self) -> str:
        """What stands on the button."""
        return "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Give the path of the report's page; empty when the task has published none.

        :param operator: the task's operator.
        :param ti_key: the task instance.
        """
        from airflow.sdk.execution_time.xcom import XCom

        # What it published counts before what it returned: that may be a reference it was given.
        for key in (PUBLISHED, RETURNED):
            found = report_id(XCom.get_value(ti_key=ti_key, key=key))
            if found is not None:
                return report_path(found)
        return ""


def report_path(found: str) -> str:
    """Give the path of a report's page on this Airflow's web server."""
    return site_path(f"reports/{quote(found, safe='')}")


def site_path(page: str) -> str:
    """Give the path of one of our pages on this Airflow's web server, below its ``[api] base_url``."""
    from airflow.sdk.configuration import conf

    below = urlsplit(str(conf.get("api", "base_url", fallback="") or "")).path.rstrip("/")
    return f"{below}/mlops/{page}"


def report_id(value: Any) -> str | None:
    """Find the first report reference in what a task gave: itself, or within dicts and lists."""
    return next(_ids(value, DEEPEST), None)


def _ids(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, Mapping):
        if value.get("kind") == "report" and isinstance(value.get("id"), str) and value["id"]:
            yield value["id"]
            return
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _ids(part, depth - 1)
