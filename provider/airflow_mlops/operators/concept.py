"""Concept drift: do the same scores still mean the same labels?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_mlops.operators.base import ReportingOperator
from airflow_mlops.operators.late import Given, catch_up, opened

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_mlops.core.report import Report


class CheckConceptDriftOperator(ReportingOperator):
    """Hold scores and the labels that have come against how they went together before; gives a ``ReportRef``.

    The reference is that of the version which made the scores, from the rows of its evaluation. Skipped where there are
    no scores or no labels of that partition yet.

    :param model: the model's name.
    :param scores: the scores: a ``SnapshotRef``, or ``dataset@partition``; or else ``conn_id`` and ``table``.
    :param labels: the labels of the same partition.
    :param rows: what was scored, with the features.
    :param key: the column that all three have.
    :param target: the label's column.
    :param policy: the path of a ``policy.yaml`` with a ``concept`` section, or its content.
    :param catch_up: judge again all earlier windows whose scores, labels or rows have changed since they were judged.
    :param conn_id: the connection of a PostgreSQL or SQLite database that has the scores in a table, in place of
        ``scores``; those of the version that scored the labels' partition last are judged.
    :param table: the table there, as a :class:`~airflow_mlops.operators.score.ScoreDatasetOperator` has made it.
    :param when_failed: ``warn``: drift is news, not an error; ``fail``: the task fails, after publishing.
    """

    template_fields: Sequence[str] = (
        "model",
        "scores",
        "labels",
        "rows",
        "key",
        "target",
        "policy",
        "catch_up",
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
        catch_up: bool | str = False,
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
        self.catch_up = catch_up
        self.conn_id = conn_id
        self.table = table

    def step(self, context: Context) -> dict[str, Any]:
        """Join, compare, keep the window, publish."""
        from airflow_mlops.core.yes_no import yes_or_no

        beside = {"labels": self.labels, "rows": self.rows}
        given = Given.of(self.model, self.scores, self.conn_id, self.table, beside)
        if yes_or_no(self.catch_up, "catch_up"):
            catch_up(self, context, "concept_drift", given, self._judged)
        return self.conclude(self._judged(opened(self, given)), context)

    def _judged(self, found: Mapping[str, Any]) -> Report:
        from airflow_mlops.core.monitoring.concept import check_concept

        return check_concept(
            self.database,
            found["scores"],
            found["labels"],
            found["rows"],
            model=self.model,
            key=self.key,
            target=self.target,
            policy=self.policy,
        )
