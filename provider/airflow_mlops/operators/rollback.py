"""Rollback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from airflow_mlops.keys import task_key
from airflow_mlops.operators.base import LifecycleOperator, moment_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class RollbackModelOperator(LifecycleOperator):
    """Make an earlier champion champion again: one entry in the ledger, then MLflow's aliases; gives the entry.

    No file is rewritten and nothing is trained. Whatever asks for the champion follows with its next batch: a batch
    that is being scored is finished by the version that it began with. The drift checks compare with the old
    version's own baseline from then on. A retry gives the same entry.

    An outlet that is an asset tells of the change, as a promotion does. For an operator that rolls any model back there
    is ``AssetAlias``: the event is then of the asset that ``asset`` names.

    :param model: the model's name.
    :param to_version: the version to go to; default: the champion before. It has to have been champion, or to have
        passed its gate.
    :param reason: why, for the ledger.
    :param approver: the person who wants it.
    :param effective_at: from when on, on the data's clock: an ISO date or date-time; default now.
    :param asset: the name of the asset that an ``AssetAlias`` among the outlets stands for; default
        ``<model>_champion``.
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
        """Append to the ledger, reconcile the aliases, tell the asset."""
        from airflow_mlops.core.registry.rollback import rollback
        from airflow_mlops.store import ledger

        entry = rollback(
            self.mlflow,
            self.database,
            model=self.model,
            to=version_of(self.to_version),
            reason=self.reason,
            actor=task_key(context),
            approver=self.approver or None,
            effective_at=moment_of("effective_at", self.effective_at),
        )
        self.log.info("%s v%s is champion again: epoch %s", entry.model, entry.version, entry.epoch)
        told = ledger.event_of(entry)
        for outlet in self.outlets:
            if isinstance(outlet, AssetAlias):
                asset = Asset(self.asset or f"{self.model}_champion", group="model")
                context["outlet_events"][outlet].add(asset, extra=told)
            else:
                context["outlet_events"][outlet].extra = told
        return ledger.as_dict(entry)


def version_of(value: int | str | None) -> int | None:
    """Read a version's number, which may come from a form or a template; nothing gives ``None``.

    :raises BadInput: when it is no number.
    """
    from airflow_mlops.core.errors import BadInput

    text = "" if value is None else str(value).strip()
    if text in ("", "None"):
        return None
    if not text.isdecimal():
        raise BadInput(f"to_version is no version's number: {value!r}", mend="write 3, or leave it empty")
    return int(text)
