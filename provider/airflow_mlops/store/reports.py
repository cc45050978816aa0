"""Published reports."""

from __future__ import annotations

from sqlalchemy import select

from airflow_mlops.core.errors import NotFound
from airflow_mlops.core.report import Report
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import StoredReport


def publish(database: Database, report: Report, *, actor: str) -> None:
    """Keep a report for ever.

    :param actor: who made it: ``dag_id/run_id/task_id/map_index``, or a person's name.
    """
    with database.session() as session:
        session.merge(
            StoredReport(
                id=report.id,
                kind=report.kind,
                subject=str(report.subject)[:500],
                verdict=report.verdict,
                decision=report.decision,
                body=report.to_dict(),
                actor=actor,
                recorded_at=now(),
            )
        )


def get(database: Database, report_id: str) -> Report:
    """Give a report back.

    :raises NotFound: when it was never published.
    """
    return Report.from_dict(stored(database, report_id).body)


def stored(database: Database, report_id: str) -> StoredReport:
    """Give a report as it was kept, with who made it.

    :raises NotFound: when it was never published.
    """
    with database.session() as session:
        found = session.get(StoredReport, report_id)
    if found is None:
        raise NotFound(
            f"there is no report {report_id}",
            where=database.address,
            mend="follow the link of a task that has published one",
        )
    return found


def of_actor(database: Database, actor: str) -> list[Report]:
    """Give the reports of one actor, oldest first.

    :param actor: a task's key, exactly; or, with a slash at its end, all below it, such as ``dag_id/run_id/``.
    """
    mine = StoredReport.actor.startswith(actor, autoescape=True) if actor.endswith("/") else StoredReport.actor == actor
    with database.session() as session:
        found = session.scalars(select(StoredReport).where(mine).order_by(StoredReport.recorded_at)).all()
    return [Report.from_dict(row.body) for row in found]
