"""What the checks that need labels share: opening what has come, and judging again what came late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.keys import task_key

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.report import Report
    from airflow_mlops.operators.base import ReportingOperator
    from airflow_mlops.store.predictions import PredictionLog


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be judged.

    :param model: the model's name.
    :param snapshots: name -> a ``SnapshotRef``, or ``dataset@partition``; ``labels`` among them.
    :param log: the table that has the scores of the labels' partition, where no snapshot among them does.
    """

    model: str
    snapshots: Mapping[str, Any]
    log: PredictionLog | None = None

    @classmethod
    def of(cls, model: str, scores: Any, conn_id: str | None, table: str | None, snapshots: Mapping[str, Any]) -> Given:
        """Read an operator's parameters.

        :param scores: a snapshot of the scores; ``None`` where ``conn_id`` and ``table`` name a table of them.
        :param snapshots: what there is beside the scores.
        :raises BadInput: when it is neither or both.
        """
        from airflow_mlops.core.errors import BadInput
        from airflow_mlops.hooks.source import engine
        from airflow_mlops.store.predictions import prediction_log

        log = prediction_log(engine, conn_id, table)
        if (scores is None) == (log is None):
            raise BadInput(
                "it is not clear which scores are meant", mend="give scores=..., or conn_id=... and table=..."
            )
        return cls(model, snapshots if log is not None else {"scores": scores, **snapshots}, log)

    @property
    def datasets(self) -> dict[str, str]:
        """Name -> dataset."""
        return {name: _place(value)[0] for name, value in self.snapshots.items()}

    @property
    def partition(self) -> str:
        """The partition that is judged."""
        return _place(self.snapshots["labels"])[1]

    def at(self, partition: str) -> Given:
        """Give the same of another partition."""
        there = {name: f"{dataset}@{partition}" for name, dataset in self.datasets.items()}
        return Given(self.model, there, self.log)


def opened(operator: ReportingOperator, given: Given) -> dict[str, Any]:
    """Open what is to be judged.

    :returns: name -> snapshot; the scores may be :class:`~airflow_mlops.core.monitoring.scoring.logged.LoggedScores`.
    :raises AirflowSkipException: when something has not come yet. What is in the catalogue and cannot be opened is
        damaged, not late: that fails.
    """
    from airflow_mlops.core.address import snapshot_at
    from airflow_mlops.core.errors import NotFound

    found: dict[str, Any] = {}
    try:
        refs = {name: snapshot_at(operator.database, value) for name, value in given.snapshots.items()}
        if given.log is not None:
            from airflow_mlops.core.monitoring.scoring.logged import LoggedScores

            found["scores"] = LoggedScores(given.log, given.model, str(refs["labels"].partition))
    except NotFound as absent:
        raise AirflowSkipException(f"nothing to compare yet: {absent.what}") from None
    return found | {name: operator.snapshots.open(ref) for name, ref in refs.items()}


def catch_up(
    operator: ReportingOperator,
    context: Context,
    kind: str,
    given: Given,
    judged: Callable[[Mapping[str, Any]], Report],
    *,
    against: str = "baseline",
) -> list[str]:
    """Judge again the earlier windows whose scores or snapshots have changed since; gives their partitions.

    :param kind: of the windows.
    :param given: what the window of this run is judged on: the datasets and the partition before which it looks.
    :param judged: judges what was opened and keeps the window.
    :param against: what the windows are held against.
    """
    from airflow_mlops.core.monitoring.late import outdated
    from airflow_mlops.store import reports

    how: dict[str, Any] = {"before": given.partition, "against": against}
    if given.log is not None:
        from airflow_mlops.core.monitoring.scoring.logged import current

        how["scores"] = current(given.log, given.model)
    late = outdated(operator.database, given.model, kind, given.datasets, **how)
    for partition in late:
        report = judged(opened(operator, given.at(partition)))
        reports.publish(operator.database, report, actor=task_key(context))
        operator.log.info("judged again, on what has come since: %s", report.summary(3))
    return late


def _place(value: Any) -> tuple[str, str]:
    """Give dataset and partition of a reference or an address."""
    if isinstance(value, Mapping):
        return str(value["dataset"]), str(value["partition"])
    dataset, _, partition = str(value).partition("@")
    return dataset, partition
