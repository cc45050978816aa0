"""Reports out of the lifecycle store, for the API server; all of it blocks, so it belongs into a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_mlops.core.report import Report


@dataclass(frozen=True, slots=True)
class Stored:
    """A published report.

    :param report: the report.
    :param body: its JSON, as it was kept.
    :param actor: who made it: ``dag_id/run_id/task_id/map_index``, or a person's name.
    """

    report: Report
    body: dict[str, Any]
    actor: str

    @property
    def dag_id(self) -> str | None:
        """The DAG whose task made it; None when a person did."""
        dag_id, slash, _ = self.actor.partition("/")
        return dag_id if slash else None


def find(report_id: str) -> Stored:
    """Read a report.

    :raises NotFound: when it was never published.
    :raises StoreNotReady: when the store cannot be used.
    """
    from airflow_mlops.core.report import Report
    from airflow_mlops.hooks.store import LifecycleStoreHook
    from airflow_mlops.store import reports

    row = reports.stored(LifecycleStoreHook().database, report_id)
    return Stored(Report.from_dict(row.body), dict(row.body), row.actor)
