"""Operator that rolls back to an earlier champion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from airflow_mlops.operators.base import LifecycleOperator, parse_timestamp
from airflow_mlops.task_keys import task_key

if TYPE_CHECKING:
    from airflow.sdk import Context


class RollbackModelOperator(LifecycleOperator):
    """Roll back to an earlier champion: one ledger entry, then MLflow's aliases. Returns the ledger entry.

    No file is rewritten and nothing is trained. Consumers of the champion switch with their next batch; a batch in
    progress is finished with its version. Drift checks then use the old version's own baseline. A retry returns the
    same entry.

    Asset outlets emit an event, as for a promotion. For an operator that can roll back any model, use an
    ``AssetAlias`` as the outlet: the event is then emitted for the asset named by ``asset``.

    :param model: name of the registered model.
    :param to_version: number of the version to roll back to. It must have been champion or have passed its gate.
        Default: the previous champion.
    :param reason: reason recorded in the ledger.
    :param approver: name of the person who requested the rollback. Default: none.
    :param effective_at: start of the champion period on the data's clock, as an ISO date or date-time. Default: now.
    :param asset: name of the asset for an ``AssetAlias`` among the outlets. Default: ``<model>_champion``.
    """

    template_fields: Sequence[str] = ("model", "to_version", "reason", "approver", "effective_at", "asset")

    def __init__(
        self,
        *,
        model: str,
        reason: str,
        to_version: int | str | None = None,
        approver: str | None = None,
        effective_at: str | None = None,
        asset: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.reason = reason
        self.to_version = to_version
        self.approver = approver
        self.effective_at = effective_at
        self.asset = asset

    def step(self, context: Context) -> dict[str, Any]:
        """Append to the ledger, reconcile the aliases and emit the asset events."""
        from airflow_mlops.core.registry.rollback import rollback
        from airflow_mlops.store import ledger

        entry = rollback(
            self.mlflow,
            self.database,
            model=self.model,
            to=parse_version_number(self.to_version),
            reason=self.reason,
            actor=task_key(context),
            approver=self.approver or None,
            effective_at=parse_timestamp("effective_at", self.effective_at),
        )
        self.log.info("Rolled back to %s v%s, revision %s", entry.model, entry.version, entry.revision)
        event = ledger.event_payload(entry)
        for outlet in self.outlets:
            if isinstance(outlet, AssetAlias):
                asset = Asset(self.asset or f"{self.model}_champion", group="model")
                context["outlet_events"][outlet].add(asset, extra=event)
            else:
                context["outlet_events"][outlet].extra = event
        return ledger.to_dict(entry)


def parse_version_number(value: int | str | None) -> int | None:
    """Parse a version number from a form or a template; return ``None`` for empty text.

    :raises BadInput: when it is not a number.
    """
    from airflow_mlops.common.errors import BadInput

    text = "" if value is None else str(value).strip()
    if text in ("", "None"):
        return None
    if not text.isdecimal():
        raise BadInput(f"version is not a valid version number; got {value!r}", hint="write 3, or leave it empty")
    return int(text)
