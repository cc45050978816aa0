"""Operator that measures or estimates the performance of a model's predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import ReportingOperator
from airflow_mlops.operators.drift import column_names
from airflow_mlops.operators.stale_windows import LabelledInputs, open_inputs, reevaluate_stale_windows

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.common.report import Report
    from airflow_mlops.core.scoring.scores import Scores


class CheckPerformanceOperator(ReportingOperator):
    """Compare the metric on labelled predictions with the metric at the gate. Returns a ``ReportRef``.

    The task is skipped while the partition has no scores or no labels. With ``estimate``, the metric is estimated from
    the scores and the calibration at evaluation, without labels. Estimates are saved as windows of their own kind.

    :param model: name of the registered model.
    :param scores: scores of the partition: a ``SnapshotRef`` or ``dataset@partition``. Alternative: ``conn_id`` and
        ``table``.
    :param labels: labels of the same partition: a ``SnapshotRef`` or ``dataset@partition``. Not used by an estimate.
    :param key: column that joins scores and labels. Not used by an estimate.
    :param target: column with the label. Not used by an estimate.
    :param policy: path of a ``policy.yaml`` with a ``performance`` section, or its content. Default: the default
        policy.
    :param against: ``baseline`` (default): the metric at the version's gate. ``previous``: the preceding window.
    :param slices: columns of ``rows``; each of their values is also checked on its own. Slices only warn. Default:
        none.
    :param rows: the scored rows with the columns of ``slices``: a ``SnapshotRef`` or ``dataset@partition``.
    :param estimate: estimate the metric from the scores alone. Default: ``False``.
    :param reevaluate_stale: re-evaluate only those earlier windows whose scores or labels have changed since, for
        example by late labels. Default: ``False``.
    :param conn_id: connection ID of a PostgreSQL or SQLite database with the scores, in place of ``scores``. The
        version that scored the partition last is checked.
    :param table: scores table in that database, as written by
        :class:`~airflow_mlops.operators.score.ScoreDatasetOperator`.
    :param partition: partition of the scores in the table. Only for an estimate; otherwise that of the labels.
    :param when_failed: ``warn`` (default): worse performance only logs a warning. ``fail``: it fails the task after the
        report is published.
    """

    template_fields: Sequence[str] = (
        "model",
        "scores",
        "labels",
        "key",
        "target",
        "policy",
        "against",
        "slices",
        "rows",
        "estimate",
        "reevaluate_stale",
        "conn_id",
        "table",
        "partition",
    )

    def __init__(
        self,
        *,
        model: str,
        scores: str | Mapping[str, Any] | None = None,
        labels: str | Mapping[str, Any] | None = None,
        key: str | None = None,
        target: str | None = None,
        policy: str | Mapping[str, Any] | None = None,
        against: Literal["baseline", "previous"] = "baseline",
        slices: Sequence[str] = (),
        rows: str | Mapping[str, Any] | None = None,
        estimate: bool | str = False,
        reevaluate_stale: bool | str = False,
        conn_id: str | None = None,
        table: str | None = None,
        partition: str | None = None,
        when_failed: Literal["fail", "warn"] = "warn",
        **kwargs: Any,
    ) -> None:
        super().__init__(when_failed=when_failed, **kwargs)
        self.model = model
        self.scores = scores
        self.labels = labels
        self.key = key
        self.target = target
        self.policy = policy
        self.against = against
        self.slices = slices
        self.rows = rows
        self.estimate = estimate
        self.reevaluate_stale = reevaluate_stale
        self.conn_id = conn_id
        self.table = table
        self.partition = partition

    def step(self, context: Context) -> dict[str, Any]:
        """Join, compute the metric, save the window and publish the report."""
        from airflow_mlops.common.booleans import parse_bool

        if parse_bool(self.estimate, "estimate"):
            return self._publish_estimate(context)
        self._check_parameters()
        snapshots = {"labels": self.labels} | ({"rows": self.rows} if self.slices else {})
        inputs = LabelledInputs.from_parameters(self.model, self.scores, self.conn_id, self.table, snapshots)
        if parse_bool(self.reevaluate_stale, "reevaluate_stale"):
            reevaluate_stale_windows(self, context, "performance", inputs, self._check, against=self.against)
        return self.conclude(self._check(open_inputs(self, inputs)), context)

    def _check_parameters(self) -> None:
        from airflow_mlops.common.errors import BadInput

        missing = [name for name in ("labels", "key", "target") if not getattr(self, name)]
        if missing:
            raise BadInput(
                f"performance requires {', '.join(missing)}",
                hint="set labels=..., key=... and target=..., or estimate=True while there are no labels",
            )
        if self.against not in ("baseline", "previous"):
            raise BadInput(f"against is not valid; got {self.against!r}", hint="use 'baseline' or 'previous'")
        if bool(self.slices) != (self.rows is not None):
            raise BadInput("slices and rows must be set together", hint="set both slices=... and rows=..., or neither")

    def _check(self, data: Mapping[str, Any]) -> Report:
        from airflow_mlops.core.monitoring.performance import PerformanceOptions, check_performance

        return check_performance(
            self.database,
            data["scores"],
            data["labels"],
            model=self.model,
            key=str(self.key),
            target=str(self.target),
            policy=self.policy,
            options=PerformanceOptions(self.against, column_names(self.slices), data.get("rows")),
        )

    def _publish_estimate(self, context: Context) -> dict[str, Any]:
        from airflow_mlops.common.errors import NotFound
        from airflow_mlops.core.monitoring.estimate import check_estimate

        try:
            scores = self._open_scores()
        except NotFound as error:
            raise AirflowSkipException(f"Skipping estimate: {error.what}") from None
        return self.conclude(check_estimate(self.database, scores, model=self.model, policy=self.policy), context)

    def _open_scores(self) -> Scores:
        """Open the scores of an estimate."""
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.core.scoring.logged_scores import LoggedScores
        from airflow_mlops.core.scoring.prediction_log import open_prediction_log
        from airflow_mlops.hooks.sql_source import sqlalchemy_engine

        log = open_prediction_log(sqlalchemy_engine, self.conn_id, self.table)
        if (self.scores is None) == (log is None) or (log is None) != (self.partition is None):
            raise BadInput(
                "exactly one source of scores is required",
                hint="set scores=..., or conn_id=..., table=... and partition=...",
            )
        if log is not None:
            return LoggedScores(log, self.model, str(self.partition))
        return self.open_snapshot(self.scores or "")
