"""Drift checks against the baseline that travels with the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckDriftOperator(LifecycleOperator):
    """Compare a snapshot's profile with the training profile of the champion; gives a ``ReportRef``.

    The baseline is the champion's own, so after a promotion or a rollback the right one is used with no configuration.
    The verdict is kept as the (version, partition) window on which the episode policy decides.

    :param model: the model's name.
    :param snapshot: the rows: a ``SnapshotRef``, or ``dataset@partition``.
    :param policy: the path of a ``policy.yaml`` with a ``drift`` section, or its content.
    :param champion_at: whose baseline: the champion of this moment on the data's clock; default: the champion now.
    :param when_failed: ``warn``: drift is news, not an error; ``fail``: the task fails, after publishing.
    """

    template_fields: Sequence[str] = ("model", "snapshot", "policy", "champion_at")

    def __init__(
        self,
        *,
        model: str,
        snapshot: str | Mapping[str, Any],
        policy: str | Mapping[str, Any] | None = None,
        champion_at: str | None = None,
        when_failed: Literal["fail", "warn"] = "warn",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.snapshot = snapshot
        self.policy = policy
        self.champion_at = champion_at
        self.when_failed = when_failed

    def step(self, context: Context) -> dict[str, Any]:
        """Profile, compare, publish, keep the window."""
        from airflow_mlops.core.monitoring.drift import check_snapshot
        from airflow_mlops.core.registry.history import champion_at
        from airflow_mlops.store import windows

        champion = champion_at(self.database, self.model, self.champion_at)
        if champion is None:
            raise AirflowSkipException(f"{self.model} has no champion at {self.champion_at or 'present'}")
        snapshot = self.open(self.snapshot)
        report = check_snapshot(champion, snapshot, self.policy)
        ref = self.publish(report, context)
        windows.record(
            self.database,
            model=champion.model,
            version=champion.version,
            kind="drift",
            partition=snapshot.ref.partition or snapshot.ref.id,
            verdict=report.verdict,
            rows=snapshot.ref.rows,
            report=report.id,
        )
        if report.verdict == "fail" and self.when_failed == "fail":
            raise AirflowFailException(f"{report.summary()}\n  report: {report.id}")
        return ref
