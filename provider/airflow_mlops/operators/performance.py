"""Performance of the champion's predictions, when the labels are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckPerformanceOperator(ReportingOperator):
    """Join scores with the labels that have come and compare the metric with what the gate saw; gives a ``ReportRef``.

    Skipped where there are no scores or no labels of that partition yet.

    :param model: the model's name.
    :param scores: the scores: a ``SnapshotRef``, or ``dataset@partition``.
    :param labels: the labels of the same partition.
    :param key: the column that both have.
    :param target: the label's column.
    :param policy: the path of a ``policy.yaml`` with a ``performance`` section, or its content.
    :param when_failed: ``warn``: worse predictions are news, not an error; ``fail``: the task fails, after publishing.
    """

    template_fields: Sequence[str] = ("model", "scores", "labels", "key", "target", "policy")

    def __init__(
        self,
        *,
        model: str,
        scores: str | Mapping[str, Any],
        labels: str | Mapping[str, Any],
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
        self.key = key
        self.target = target
        self.policy = policy

    def step(self, context: Context) -> dict[str, Any]:
        """Join, judge, publish, keep the window."""
        from airflow_mlops.core.errors import NotFound
        from airflow_mlops.core.monitoring.performance import check_scores

        try:
            scores, labels = self.open(self.scores), self.open(self.labels)
        except NotFound as absent:
            raise AirflowSkipException(f"nothing to compare yet: {absent.what}") from None
        report = check_scores(
            self.database, scores, labels, model=self.model, key=self.key, target=self.target, policy=self.policy
        )
        return self.conclude(report, context)
