"""Monitoring windows: one result for each model version, partition, slice and kind of check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mlops.common.report import Report
from airflow_mlops.store import reports
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import MonitoringWindow

ALL_ROWS, BASELINE, PREVIOUS = "", "baseline", "previous"


@dataclass(frozen=True, slots=True)
class WindowResult:
    """The result of a check of one version on one partition or slice.

    :param kind: ``drift``, ``prediction_drift``, ``concept_drift``, ``performance`` or ``performance_estimate``.
    :param value: the value behind the verdict: the largest effect, or the metric.
    :param slice_: the rows, such as ``plan=basic``; empty for all rows.
    :param against: what it was compared with: the version's own ``baseline``, or the ``previous`` window.
    :param inputs: the ids of the evaluated snapshots, to detect later that one of them has changed.
    :param broken_columns: column -> how it is broken upstream.
    """

    model: str
    version: int
    kind: str
    partition: str
    verdict: str
    rows: int
    value: float | None = None
    slice_: str = ALL_ROWS
    against: str = BASELINE
    inputs: Mapping[str, str] | None = None
    broken_columns: Mapping[str, str] | None = None


def record(database: Database, results: WindowResult | Iterable[WindowResult], report: Report | None = None) -> None:
    """Save windows together with their report: all of them, or nothing.

    Saving a window again (late labels, a repeated run) overwrites the earlier result.

    :param report: the report that the windows refer to.
    """
    results = [results] if isinstance(results, WindowResult) else list(results)

    def save() -> None:
        with database.session() as session:
            if report is not None:
                reports.add(session, report, actor=database.actor)
            for result in results:
                _save(session, result, None if report is None else report.id)

    database.retry_on_conflict(save)


def _save(session: Session, result: WindowResult, report: str | None) -> None:
    identity = {
        "model": result.model,
        "version": result.version,
        "kind": result.kind,
        "partition": result.partition,
        "slice": result.slice_,
        "against": result.against,
    }
    window = session.scalars(select(MonitoringWindow).filter_by(**identity)).first()
    if window is None:
        window = MonitoringWindow(**identity)
        session.add(window)
    window.verdict, window.value, window.rows, window.report = result.verdict, result.value, result.rows, report
    window.inputs = None if result.inputs is None else dict(result.inputs)
    window.broken_columns = dict(result.broken_columns) if result.broken_columns else None
    window.recorded_at = now()


def of_model(
    database: Database,
    model: str,
    kind: str,
    *,
    version: int | None = None,
    slice_: str | None = ALL_ROWS,
    against: str = BASELINE,
) -> list[MonitoringWindow]:
    """Return the windows of a model, ordered by partition.

    :param slice_: only windows of these rows; ``None`` for all slices and all rows.
    """
    query = select(MonitoringWindow).where(
        MonitoringWindow.model == model, MonitoringWindow.kind == kind, MonitoringWindow.against == against
    )
    if version is not None:
        query = query.where(MonitoringWindow.version == version)
    if slice_ is not None:
        query = query.where(MonitoringWindow.slice == slice_)
    with database.session() as session:
        return list(
            session.scalars(
                query.order_by(MonitoringWindow.partition, MonitoringWindow.version, MonitoringWindow.slice)
            )
        )


def of_version(database: Database, model: str, version: int, kinds: Iterable[str]) -> list[MonitoringWindow]:
    """Return the windows over all rows of a version against its baseline, of several kinds at once."""
    query = select(MonitoringWindow).where(
        MonitoringWindow.model == model,
        MonitoringWindow.version == version,
        MonitoringWindow.kind.in_(list(kinds)),
        MonitoringWindow.slice == ALL_ROWS,
        MonitoringWindow.against == BASELINE,
    )
    with database.session() as session:
        return list(session.scalars(query.order_by(MonitoringWindow.partition, MonitoringWindow.kind)))


def partitions(database: Database, model: str) -> list[str]:
    """Return the partitions on which any version of a model was monitored, in order."""
    query = (
        select(MonitoringWindow.partition)
        .where(MonitoringWindow.model == model)
        .distinct()
        .order_by(MonitoringWindow.partition)
    )
    with database.session() as session:
        return list(session.scalars(query))
