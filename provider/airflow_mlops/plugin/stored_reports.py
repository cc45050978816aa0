"""Access to stored reports for the API server. The calls block; run them in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_mlops.common.report import Report


@dataclass(frozen=True, slots=True)
class PublishedReport:
    """A published report.

    :param report: the report.
    :param body: stored JSON of the report.
    :param actor: author: ``dag_id/run_id/task_id/map_index``, or a person's name.
    """

    report: Report
    body: dict[str, Any]
    actor: str

    @property
    def dag_id(self) -> str | None:
        """DAG ID of the author task; None when the author is a person."""
        dag_id, slash, _ = self.actor.partition("/")
        return dag_id if slash else None


def load_report(report_id: str) -> PublishedReport:
    """Load a report.

    :raises NotFound: when it was never published.
    :raises StoreNotReady: when the store is unavailable.
    """
    from airflow_mlops.common.report import Report
    from airflow_mlops.hooks.store import LifecycleStoreHook
    from airflow_mlops.store import reports

    row = reports.get_row(LifecycleStoreHook().database, report_id)
    return PublishedReport(Report.from_dict(row.body), dict(row.body), row.actor)
