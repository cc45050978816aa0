"""Promotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.keys import run_type, task_key
from airflow_mlops.operators.base import LifecycleOperator, moment_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class PromoteModelOperator(LifecycleOperator):
    """Make a version champion: one entry in the ledger, then MLflow's aliases; gives the entry.

    Needs a passing gate report of this very version. A backfill, or a version trained on older data than the
    champion's, is registered but not promoted: the task is skipped and says why. Of two promoters at once one wins; the
    other fails with 'the champion has changed' and has to pass the gate again.

    :param challenger: the ``ModelVersionRef``.
    :param gate: the ``ReportRef`` of its gate.
    :param effective_at: from when on, on the data's clock: an ISO date or date-time; default now.
    :param approver: who approved, where the gate held.
    :param reason: why, for the ledger.
    :param allow_backfill: promote in a backfill all the same.
    :param allow_older: promote though the champion was trained on newer data.
    """

    template_fields: Sequence[str] = ("challenger", "gate", "effective_at", "approver", "reason")

    def __init__(
        self,
        *,
        challenger: Mapping[str, Any],
        gate: Mapping[str, Any],
        effective_at: str | None = None,
        approver: str | None = None,
        reason: str = "passed the gate",
        allow_backfill: bool = False,
        allow_older: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.challenger = challenger
        self.gate = gate
        self.effective_at = effective_at
        self.approver = approver
        self.reason = reason
        self.allow_backfill = allow_backfill
        self.allow_older = allow_older

    def step(self, context: Context) -> dict[str, Any]:
        """Check the guards, append to the ledger, reconcile the aliases, tell the asset."""
        from airflow_mlops.core.refs import ModelVersionRef, ReportRef
        from airflow_mlops.core.registry import promotion
        from airflow_mlops.store import ledger

        challenger = ModelVersionRef.from_dict(self.challenger)
        try:
            entry = promotion.promote(
                self.mlflow,
                self.database,
                challenger=challenger,
                gate=ReportRef.from_dict(self.gate).id,
                actor=task_key(context),
                approver=self.approver or None,
                reason=self.reason,
                effective_at=moment_of("effective_at", self.effective_at),
                backfill=run_type(context) == "backfill",
                allow_backfill=self.allow_backfill,
                allow_older=self.allow_older,
            )
        except promotion.GuardRefused as guard:
            raise AirflowSkipException(str(guard)) from None
        self.log.info("%s is champion: epoch %s, effective %s", challenger, entry.epoch, entry.effective_at)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = {
                "model": entry.model,
                "version": entry.version,
                "epoch": entry.epoch,
            }
        return ledger.as_dict(entry)
