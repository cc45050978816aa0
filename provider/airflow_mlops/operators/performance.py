"""Performance of the champion's predictions: when the labels are there, or estimated before they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import ReportingOperator
from airflow_mlops.operators.drift import names_of
from airflow_mlops.operators.late import Given, catch_up, opened

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.monitoring.scoring.scores import Scores
    from airflow_mlops.core.report import Report


class CheckPerformanceOperator(ReportingOperator):
    """Join scores with the labels that have come and compare the metric with what the gate saw; gives a ``ReportRef``.

    Skipped where there are no scores or no labels of that partition yet. With ``estimate`` no labels are needed: the
    metric is estimated from what scores meant at the evaluation, which is told as an estimate and kept as a window of a
    kind of its own.

    :param model: the model's name.
    :param scores: the scores: a ``SnapshotRef``, or ``dataset@partition``; or else ``conn_id`` and ``table``.
    :param labels: the labels of the same partition; of no use to an estimate.
    :param key: the column that both have.
    :param target: the label's column.
    :param policy: the path of a ``policy.yaml`` with a ``performance`` section, or its content.
    :param against: ``baseline``: what the version's gate saw; ``previous``: the window before.
    :param slices: columns of ``rows`` of which each value is looked at for itself, too; slices only warn.
    :param rows: what was scored, with those columns.
    :param estimate: estimate from the scores alone.
    :param conn_id: the connection of a PostgreSQL or SQLite database that has the scores in a table, in place of
        ``scores``; those of the version that scored the labels' partition last are judged.
    :param table: the table there, as a :class:`~airflow_mlops.operators.score.ScoreDatasetOperator` has made it.
    :param partition: of the scores in the table, for an estimate, which has no labels that say it.
    :param catch_up: judge again all earlier windows whose scores or labels have changed since they were judged, such as
        by labels that came late, and no others.
    :param when_failed: ``warn``: worse predictions are news, not an error; ``fail``: the task fails, after publishing.
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
        "catch_up",
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
        catch_up: bool | str = False,
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
        self.catch_up = catch_up
        self.conn_id = conn_id
        self.table = table
        self.partition = partition

    def step(self, context: Context) -> dict[str, Any]:
        """Join, judge, publish, keep the window."""
        from airflow_mlops.core.yes_no import yes_or_no

        if yes_or_no(self.estimate, "estimate"):
            return self._estimated(context)
        self._check_parameters()
        beside = {"labels": self.labels} | ({"rows": self.rows} if self.slices else {})
        given = Given.of(self.model, self.scores, self.conn_id, self.table, beside)
        if yes_or_no(self.catch_up, "catch_up"):
            catch_up(self, context, "performance", given, self._judged, against=self.against)
        return self.conclude(self._judged(opened(self, given)), context)

    def _check_parameters(self) -> None:
        from airflow_mlops.core.errors import BadInput

        absent = [name for name in ("labels", "key", "target") if not getattr(self, name)]
        if absent:
            raise BadInput(
                f"performance is not known without {', '.join(absent)}",
                mend="give labels=..., key=... and target=..., or estimate=True while there are no labels",
            )
        if self.against not in ("baseline", "previous"):
            raise BadInput(f"there is no window {self.against!r}", mend="against is 'baseline' or 'previous'")
        if bool(self.slices) != (self.rows is not None):
            raise BadInput(
                "slices are of the rows that were scored", mend="give both slices=... and rows=..., or neither"
            )

    def _judged(self, found: Mapping[str, Any]) -> Report:
        from airflow_mlops.core.monitoring.performance import Closely, check_scores

        return check_scores(
            self.database,
            found["scores"],
            found["labels"],
            model=self.model,
            key=str(self.key),
            target=str(self.target),
            policy=self.policy,
            closely=Closely(self.against, names_of(self.slices), found.get("rows")),
        )

    def _estimated(self, context: Context) -> dict[str, Any]:
        from airflow_mlops.core.errors import NotFound
        from airflow_mlops.core.monitoring.estimate import check_estimate

        try:
            scores = self._scores()
        except NotFound as absent:
            raise AirflowSkipException(f"nothing to estimate yet: {absent.what}") from None
        return self.conclude(check_estimate(self.database, scores, model=self.model, policy=self.policy), context)

    def _scores(self) -> Scores:
        """Find the scores of an estimate."""
        from airflow_mlops.core.errors import BadInput
        from airflow_mlops.core.monitoring.scoring.logged import LoggedScores
        from airflow_mlops.hooks.source import engine
        from airflow_mlops.store.predictions import prediction_log

        log = prediction_log(engine, self.conn_id, self.table)
        if (self.scores is None) == (log is None) or (log is None) != (self.partition is None):
            raise BadInput(
                "it is not clear which scores are meant",
                mend="give scores=..., or conn_id=..., table=... and partition=...",
            )
        if log is not None:
            return LoggedScores(log, self.model, str(self.partition))
        return self.open(self.scores or "")
