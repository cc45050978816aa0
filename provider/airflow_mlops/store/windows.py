"""Windows: what was seen of a model version on each partition, and on the slices of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Window

WHOLE, BASELINE, PREVIOUS = "", "baseline", "previous"


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
    slice_: str = WHOLE,
    against: str = BASELINE,
    inputs: Mapping[str, str] | None = None,
    broken: Mapping[str, str] | None = None,
) -> None:
    """Keep what was seen; seen again (late labels, a run repeated), the newest word counts.

    :param kind: ``drift``, ``prediction_drift``, ``concept_drift``, ``performance`` or ``performance_estimate``.
    :param value: the figure behind the verdict: the largest effect, or the metric.
    :param slice_: which rows, such as ``plan=basic``; all when empty.
    :param against: what it was held against: the version's own ``baseline``, or the ``previous`` window.
    :param inputs: the ids of the snapshots that were judged, by which it is known again when one of them has changed.
    :param broken: columns that are broken upstream, and how.
    """

    def keep() -> None:
        with database.session() as session:
            window = session.scalars(
                select(Window).where(
                    Window.model == model,
                    Window.version == version,
                    Window.kind == kind,
                    Window.partition == partition,
                    Window.slice == slice_,
                    Window.against == against,
                )
            ).first()
            if window is None:
                window = Window(
                    model=model, version=version, kind=kind, partition=partition, slice=slice_, against=against
                )
                session.add(window)
            window.verdict, window.value, window.rows, window.report = verdict, value, rows, report
            window.inputs = None if inputs is None else dict(inputs)
            window.broken = dict(broken) if broken else None
            window.recorded_at = now()

    database.retried(keep)


def of_model(
    database: Database,
    model: str,
    kind: str,
    *,
    version: int | None = None,
    slice_: str | None = WHOLE,
    against: str = BASELINE,
) -> list[Window]:
    """Give the windows of a model, in the order of their partitions.

    :param slice_: of which rows; ``None``: those of all slices and of all rows.
    """
    query = select(Window).where(Window.model == model, Window.kind == kind, Window.against == against)
    if version is not None:
        query = query.where(Window.version == version)
    if slice_ is not None:
        query = query.where(Window.slice == slice_)
    with database.session() as session:
        return list(session.scalars(query.order_by(Window.partition, Window.version, Window.slice)))


def of_version(database: Database, model: str, version: int, kinds: Iterable[str]) -> list[Window]:
    """Give what was seen of all rows of a version against its baseline, of several kinds at once."""
    query = select(Window).where(
        Window.model == model,
        Window.version == version,
        Window.kind.in_(list(kinds)),
        Window.slice == WHOLE,
        Window.against == BASELINE,
    )
    with database.session() as session:
        return list(session.scalars(query.order_by(Window.partition, Window.kind)))


def partitions(database: Database, model: str) -> list[str]:
    """Give the partitions on which any version of a model was watched, in order."""
    query = select(Window.partition).where(Window.model == model).distinct().order_by(Window.partition)
    with database.session() as session:
        return list(session.scalars(query))
