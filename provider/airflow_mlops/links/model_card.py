"""Operator link to the model card of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_mlops.links.report import REPORT_KEY, ReportLink, find_report_id, site_path

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class ModelCardLink(ReportLink):
    """Link *Model card*: the page of the task's model card."""

    @property
    def name(self) -> str:
        """Label of the link."""
        return "Model card"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the path of the card's page; empty without a card.

        :param operator: operator of the task.
        :param ti_key: key of the task instance.
        """
        from airflow.sdk.execution_time.xcom import XCom

        id_ = _find_card_id(XCom.get_value(ti_key=ti_key, key=REPORT_KEY))
        return "" if id_ is None else site_path(f"cards/{quote(id_, safe='')}")


def _find_card_id(value: Any) -> str | None:
    """Find the ID of the card that a task has published."""
    is_card = isinstance(value, dict) and value.get("report_kind") == "model_card"
    return find_report_id(value) if is_card else None
