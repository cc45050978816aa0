"""Published reports."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.report import Report
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import StoredReport


def publish(database: Database, report: Report, *, actor: str) -> None:
    """Save a report permanently.

    :param actor: who made it: ``dag_id/run_id/task_id/map_index``, or a person's name.
    """
    with database.session() as session:
        add(session, report, actor=actor)


def add(session: Session, report: Report, *, actor: str) -> None:
    """Save a report within an open session, so that it is committed with what refers to it."""
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
    """Return a report.

    :raises NotFound: when it was never published.
    """
    return Report.from_dict(get_row(database, report_id).body)


def get_row(database: Database, report_id: str) -> StoredReport:
    """Return the row of a report, with its actor.

    :raises NotFound: when it was never published.
    """
    with database.session() as session:
        row = session.get(StoredReport, report_id)
    if row is None:
        raise NotFound(
            f"there is no report {report_id}",
            where=database.address,
            hint="follow the link of a task that has published one",
        )
    return row


def of_actor(database: Database, actor: str) -> list[Report]:
    """Return the reports of one actor, oldest first.

    :param actor: a task's exact key; or, ending in a slash, a prefix such as ``dag_id/run_id/``.
    """
    column = StoredReport.actor
    matches = column.startswith(actor, autoescape=True) if actor.endswith("/") else column == actor
    with database.session() as session:
        rows = session.scalars(select(StoredReport).where(matches).order_by(StoredReport.recorded_at)).all()
    return [Report.from_dict(row.body) for row in rows]
