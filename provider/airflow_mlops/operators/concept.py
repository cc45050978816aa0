"""Concept drift: do the same scores still mean the same labels?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckConceptDriftOperator(ReportingOperator):
    """Hold scores and the labels that have come against how they went together before; gives a ``ReportRef``.

    The reference is that of the version which made the scores, from the rows of its evaluation. Skipped where there are
    no scores or no labels of that partition yet.

    :param model: the model's name.
    :param scores: the scores: a ``SnapshotRef``, or ``dataset@partition``.
    :param labels: the labels of the same partition.
    :param rows: what was scored, with the features.
    :param key: the column that all three have.
    :param target: the label's column.
    :param policy: the path of a ``policy.yaml`` with a ``concept`` section, or its content.
    :param when_failed: ``warn``: drift is news, not an error; ``fail``: the task fails, after publishing.
    """

    template_fields: Sequence[str] = ("model", "scores", "labels", "rows", "key", "target", "policy")

    def __init__(
        self,
        *,
        model: str,
        scores: str | Mapping[str, Any],
        labels: str | Mapping[str, Any],
        rows: str | Mapping[str, Any],
        key: str,
        target: str,
        policy: str | Mapping[str, Any] | None = None,
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

    def step(self, context: Context) -> dict[str, Any]:
        """Join, compare, keep the window, publish."""
        from airflow_mlops.core.address import snapshot_at
        from airflow_mlops.core.errors import NotFound
        from airflow_mlops.core.monitoring.concept import check_concept

        try:
            refs = [snapshot_at(self.database, value) for value in (self.scores, self.labels, self.rows)]
        except NotFound as absent:
            raise AirflowSkipException(f"nothing to compare yet: {absent.what}") from None
        # One that is in the catalogue and cannot be opened is damaged, not late: that fails.
        scores, labels, rows = (self.snapshots.open(ref) for ref in refs)
        report = check_concept(
            self.database,
            scores,
            labels,
            rows,
            model=self.model,
            key=self.key,
            target=self.target,
            policy=self.policy,
        )
        return self.conclude(report, context)
