"""The link from a task to the model card that it has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_mlops.links.report import PUBLISHED, ReportLink, report_id, site_path

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class ModelCardLink(ReportLink):
    """``Model card``: the page of the card that the task has made."""

    @property
    def name(self) -> str:
        """What stands on the button."""
        return "Model card"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Give the path of the card's page; empty when the task has made none.

        :param operator: the task's operator.
        :param ti_key: the task instance.
        """
        from airflow.sdk.execution_time.xcom import XCom

        found = card_id(XCom.get_value(ti_key=ti_key, key=PUBLISHED))
        return "" if found is None else site_path(f"cards/{quote(found, safe='')}")


def card_id(value: Any) -> str | None:
    """Find the id of the card that a task has published."""
    of_card = isinstance(value, dict) and value.get("report_kind") == "model_card"
    return report_id(value) if of_card else None
