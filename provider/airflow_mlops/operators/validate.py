"""Validation by contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ValidateDatasetOperator(LifecycleOperator):
    """Hold a snapshot against its contract; gives the ``ReportRef``.

    :param snapshot: a ``SnapshotRef``, or ``dataset@partition``.
    :param contract: the path of a ``contract.yaml``, or its content.
    :param environment: one of the contract's environments, such as ``serving`` (no label).
    :param when_failed: ``fail``: the task fails, after the report is published; ``warn``: it only says so.
    """

    template_fields: Sequence[str] = ("snapshot", "contract", "environment")

    def __init__(
        self,
        *,
        snapshot: str | Mapping[str, Any],
        contract: str | Mapping[str, Any],
        environment: str | None = None,
        when_failed: Literal["fail", "warn"] = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.contract = contract
        self.environment = environment
        self.when_failed = when_failed

    def step(self, context: Context) -> dict[str, Any]:
        """Validate, publish, then raise if the contract is broken."""
        from airflow_mlops.core.data import Contract, validate

        snapshot = self.open(self.snapshot)
        report = validate(
            snapshot.scan(),
            Contract.load(self.contract),
            subject=f"{snapshot.ref.dataset} {snapshot.ref.partition or snapshot.ref.id}",
            environment=self.environment,
        )
        ref = self.publish(report, context)
        if report.verdict == "fail" and self.when_failed == "fail":
            raise AirflowFailException(f"{report.summary()}\n  report: {report.id}")
        return ref
