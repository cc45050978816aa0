"""Inputs of label-based checks, and re-evaluation of windows whose data arrived late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.task_keys import task_key

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.common.report import Report
    from airflow_mlops.core.scoring.prediction_log import PredictionLog
    from airflow_mlops.operators.base import ReportingOperator


@dataclass(frozen=True, slots=True)
class LabelledInputs:
    """Inputs of a label-based check.

    :param model: name of the registered model.
    :param snapshots: input name -> ``SnapshotRef`` or ``dataset@partition``; includes ``labels``.
    :param log: table with the scores of the labels' partition; ``None`` when ``snapshots`` has the scores.
    """

    model: str
    snapshots: Mapping[str, Any]
    log: PredictionLog | None = None

    @classmethod
    def from_parameters(
        cls, model: str, scores: Any, conn_id: str | None, table: str | None, snapshots: Mapping[str, Any]
    ) -> LabelledInputs:
        """Build the inputs from operator parameters.

        :param scores: snapshot of the scores; ``None`` when ``conn_id`` and ``table`` name a table of them.
        :param snapshots: the other inputs.
        :raises BadInput: when both or neither source of scores is set.
        """
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.core.scoring.prediction_log import open_prediction_log
        from airflow_mlops.hooks.sql_source import sqlalchemy_engine

        log = open_prediction_log(sqlalchemy_engine, conn_id, table)
        if (scores is None) == (log is None):
            raise BadInput(
                "exactly one source of scores is required", hint="set scores=..., or conn_id=... and table=..."
            )
        return cls(model, snapshots if log is not None else {"scores": scores, **snapshots}, log)

    @property
    def datasets(self) -> dict[str, str]:
        """Input name -> dataset name."""
        return {name: _dataset_and_partition(value)[0] for name, value in self.snapshots.items()}

    @property
    def partition(self) -> str:
        """The partition under evaluation."""
        return _dataset_and_partition(self.snapshots["labels"])[1]

    def for_partition(self, partition: str) -> LabelledInputs:
        """Return the same inputs of another partition."""
        snapshots = {name: f"{dataset}@{partition}" for name, dataset in self.datasets.items()}
        return LabelledInputs(self.model, snapshots, self.log)


def open_inputs(operator: ReportingOperator, inputs: LabelledInputs) -> dict[str, Any]:
    """Open the inputs.

    :returns: input name -> snapshot; the scores may be
        :class:`~airflow_mlops.core.scoring.logged_scores.LoggedScores`.
    :raises AirflowSkipException: when an input has not arrived yet. A snapshot that is in the catalogue but cannot be
        opened is damaged, and fails the task.
    """
    from airflow_mlops.common.errors import NotFound
    from airflow_mlops.core.data.snapshots.resolver import resolve_snapshot

    data: dict[str, Any] = {}
    try:
        refs = {name: resolve_snapshot(operator.database, value) for name, value in inputs.snapshots.items()}
        if inputs.log is not None:
            from airflow_mlops.core.scoring.logged_scores import LoggedScores

            data["scores"] = LoggedScores(inputs.log, inputs.model, str(refs["labels"].partition))
    except NotFound as error:
        raise AirflowSkipException(f"Skipping check, an input has not arrived: {error.what}") from None
    return data | {name: operator.snapshots.open(ref) for name, ref in refs.items()}


def reevaluate_stale_windows(
    operator: ReportingOperator,
    context: Context,
    kind: str,
    inputs: LabelledInputs,
    evaluate: Callable[[Mapping[str, Any]], Report],
    *,
    against: str = "baseline",
) -> list[str]:
    """Re-evaluate earlier windows whose scores or snapshots have changed since; return their partitions.

    :param kind: kind of the windows.
    :param inputs: inputs of this run's window. They set the datasets, and the partition before which to search.
    :param judged: function that evaluates opened inputs and saves the window.
    :param against: reference of the windows: ``baseline`` or ``previous``.
    """
    from airflow_mlops.core.monitoring.stale_windows import find_stale_windows
    from airflow_mlops.store import reports

    options: dict[str, Any] = {"before": inputs.partition, "against": against}
    if inputs.log is not None:
        from airflow_mlops.core.scoring.logged_scores import current_snapshots

        options["scores"] = current_snapshots(inputs.log, inputs.model)
    partitions = find_stale_windows(operator.database, inputs.model, kind, inputs.datasets, **options)
    for partition in partitions:
        report = evaluate(open_inputs(operator, inputs.for_partition(partition)))
        reports.publish(operator.database, report, actor=task_key(context))
        operator.log.info("Re-evaluated with late-arriving data: %s", report.summary(3))
    return partitions


def _dataset_and_partition(value: Any) -> tuple[str, str]:
    """Return dataset and partition of a reference or of ``dataset@partition``."""
    if isinstance(value, Mapping):
        return str(value["dataset"]), str(value["partition"])
    dataset, _, partition = str(value).partition("@")
    return dataset, partition
