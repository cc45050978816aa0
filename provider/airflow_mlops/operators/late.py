"""What the checks that need labels share: opening what has come, and judging again what came late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.keys import task_key

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.data.snapshot import Snapshot
    from airflow_mlops.core.report import Report
    from airflow_mlops.operators.base import ReportingOperator


def opened(operator: ReportingOperator, given: Mapping[str, Any]) -> dict[str, Snapshot]:
    """Open what is to be judged.

    :param given: name -> a ``SnapshotRef``, or ``dataset@partition``.
    :raises AirflowSkipException: when something has not come yet. What is in the catalogue and cannot be opened is
        damaged, not late: that fails.
    """
    from airflow_mlops.core.address import snapshot_at
    from airflow_mlops.core.errors import NotFound

    try:
        refs = {name: snapshot_at(operator.database, value) for name, value in given.items()}
    except NotFound as absent:
        raise AirflowSkipException(f"nothing to compare yet: {absent.what}") from None
    return {name: operator.snapshots.open(ref) for name, ref in refs.items()}


def catch_up(
    operator: ReportingOperator,
    context: Context,
    kind: str,
    model: str,
    given: Mapping[str, Any],
    judged: Callable[[Mapping[str, Snapshot]], Report],
    *,
    against: str = "baseline",
) -> list[str]:
    """Judge again the earlier windows whose snapshots have changed since; gives their partitions.

    :param kind: of the windows.
    :param given: what the window of this run is judged on: the datasets and the partition before which it looks.
    :param judged: judges opened snapshots and keeps the window.
    :param against: what the windows are held against.
    """
    from airflow_mlops.core.monitoring.late import outdated
    from airflow_mlops.store import reports

    places = {name: _place(value) for name, value in given.items()}
    datasets = {name: dataset for name, (dataset, _) in places.items()}
    late = outdated(operator.database, model, kind, datasets, before=places["scores"][1], against=against)
    for partition in late:
        found = opened(operator, {name: f"{dataset}@{partition}" for name, dataset in datasets.items()})
        report = judged(found)
        reports.publish(operator.database, report, actor=task_key(context))
        operator.log.info("judged again, on what has come since: %s", report.summary(3))
    return late


def _place(value: Any) -> tuple[str, str]:
    """Give dataset and partition of a reference or an address."""
    if isinstance(value, Mapping):
        return str(value["dataset"]), str(value["partition"])
    dataset, _, partition = str(value).partition("@")
    return dataset, partition
