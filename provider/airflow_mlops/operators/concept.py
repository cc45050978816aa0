"""Operator that checks for concept drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.operators.base import ReportingOperator
from airflow_mlops.operators.stale_windows import LabelledInputs, open_inputs, reevaluate_stale_windows

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.common.report import Report


class CheckConceptDriftOperator(ReportingOperator):
    """Check whether the relation of scores and features to labels has changed. Returns a ``ReportRef``.

    The reference is the evaluation of the version that made the scores. The task is skipped while the partition has no
    scores or no labels.

    :param model: name of the registered model.
    :param scores: scores of the partition: a ``SnapshotRef`` or ``dataset@partition``. Alternative: ``conn_id`` and
        ``table``.
    :param labels: labels of the same partition: a ``SnapshotRef`` or ``dataset@partition``.
    :param rows: the scored rows with their features: a ``SnapshotRef`` or ``dataset@partition``.
    :param key: column that joins scores, labels and rows.
    :param target: column with the label.
    :param policy: path of a ``policy.yaml`` with a ``concept`` section, or its content. Default: the default policy.
    :param reevaluate_stale: re-evaluate earlier windows whose scores, labels or rows have changed since. Default:
        ``False``.
    :param conn_id: connection ID of a PostgreSQL or SQLite database with the scores, in place of ``scores``. The
        version that scored the partition last is checked.
    :param table: scores table in that database, as written by
        :class:`~airflow_mlops.operators.score.ScoreDatasetOperator`.
    :param when_failed: ``warn`` (default): drift only logs a warning. ``fail``: drift fails the task after the report
        is published.
    """

    template_fields: Sequence[str] = (
        "model",
        "scores",
        "labels",
        "rows",
        "key",
        "target",
        "policy",
        "reevaluate_stale",
        "conn_id",
        "table",
    )

    def __init__(
        self,
        *,
        model: str,
        labels: str | Mapping[str, Any],
        rows: str | Mapping[str, Any],
        key: str,
        target: str,
        scores: str | Mapping[str, Any] | None = None,
        policy: str | Mapping[str, Any] | None = None,
        reevaluate_stale: bool | str = False,
        conn_id: str | None = None,
        table: str | None = None,
        when_failed: Literal["fail", "warn"] = "warn",
        **kwargs: Any,
    ) -> None:
        super().__init__(when_failed=when_failed, **kwargs)
        self.model = model
        self.scores = scores
        self.labels = labels
        self.rows = rows
        self.key = key
        self.target = target
        self.policy = policy
        self.reevaluate_stale = reevaluate_stale
        self.conn_id = conn_id
        self.table = table

    def step(self, context: Context) -> dict[str, Any]:
        """Join, check, save the window and publish the report."""
        from airflow_mlops.common.booleans import parse_bool

        snapshots = {"labels": self.labels, "rows": self.rows}
        inputs = LabelledInputs.from_parameters(self.model, self.scores, self.conn_id, self.table, snapshots)
        if parse_bool(self.reevaluate_stale, "reevaluate_stale"):
            reevaluate_stale_windows(self, context, "concept_drift", inputs, self._check)
        return self.conclude(self._check(open_inputs(self, inputs)), context)

    def _check(self, data: Mapping[str, Any]) -> Report:
        from airflow_mlops.core.monitoring.concept import check_concept

        return check_concept(
            self.database,
            data["scores"],
            data["labels"],
            data["rows"],
            model=self.model,
            key=self.key,
            target=self.target,
            policy=self.policy,
        )
