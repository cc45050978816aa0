"""Windows: what was seen of a model version on each partition."""

from __future__ import annotations

from sqlalchemy import select

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Window


def record(
    database: Database,
    *,
    model: str,
    version: int,
    kind: str,
    partition: str,
    verdict: str,
    rows: int,
    value: float | None = None,
    report: str | None = None,
) -> None:
    """Keep what was seen; seen again (late labels, a run repeated), the newest word counts.

    :param kind: ``drift`` or ``performance``.
    :param value: the figure behind the verdict: the largest effect, or the metric.
    """

    def keep() -> None:
        with database.session() as session:
            window = session.scalars(
                select(Window).where(
                    Window.model == model,
                    Window.version == version,
                    Window.kind == kind,
                    Window.partition == partition,
                )
            ).first()
            if window is None:
                window = Window(model=model, version=version, kind=kind, partition=partition)
                session.add(window)
            window.verdict, window.value, window.rows, window.report = verdict, value, rows, report
            window.recorded_at = now()

    database.retried(keep)


def of_model(database: Database, model: str, kind: str, *, version: int | None = None) -> list[Window]:
    """Give the windows of a model, in the order of their partitions."""
    query = select(Window).where(Window.model == model, Window.kind == kind)
    if version is not None:
        query = query.where(Window.version == version)
    with database.session() as session:
        return list(session.scalars(query.order_by(Window.partition, Window.version)))
