"""Rollback to an earlier champion: one ledger entry, and no file is rewritten.

Baseline, contract and thresholds belong to the version. So everything that reads the champion (scoring, drift checks,
the gate of the next challenger) follows automatically.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow_mlops.common.errors import Conflict, NotFound, Refused, Superseded
from airflow_mlops.core.models.loading import verify_digest
from airflow_mlops.core.registry.aliases import reconcile
from airflow_mlops.core.registry.promotion import check_gate
from airflow_mlops.core.tracking import local_files
from airflow_mlops.store import ledger, reports, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient


def rollback(
    client: MlflowClient,
    database: Database,
    *,
    model: str,
    reason: str,
    actor: str,
    to: int | None = None,
    approver: str | None = None,
    effective_at: datetime | None = None,
    once: bool = True,
) -> LedgerEntry:
    """Make an earlier champion champion again.

    :param reason: why; required for the audit trail.
    :param actor: ``dag_id/run_id/task_id/map_index``, or a person's name.
    :param to: the version; default: the champion before this one.
    :param approver: the person who requested it, where the actor is a task.
    :param effective_at: from when on, on the data's clock; default now.
    :param once: for tasks: a retry returns the entry that the actor has already written. A person may roll back again.
    :raises NotFound: when the model has no champion, or there is no such version.
    :raises Refused: when the reason is empty; when the version is champion; when it never was and has no passing gate
        report; when its files are not those that were registered.
    :raises Conflict: when the champion has changed in between.
    """
    if not reason.strip():
        raise Refused("a rollback needs a reason", hint="describe in a sentence what is wrong with the champion")
    entry = ledger.find_action(database, model, "rollback", actor) if once else None
    if entry is None:
        head = ledger.head(database, model)
        if head is None:
            raise NotFound(f"{model!r} has no champion, so there is nothing to roll back", where=database.address)
        number = _previous_champion(database, head) if to is None else to
        if number == head.version:
            raise Refused(f"{model} v{number} is champion already", where=f"revision {head.revision}")
        version = versions.get(database, model, number)
        gate = _qualifying_gate(database, version)
        with local_files(version.artifact_uri, client) as folder:
            verify_digest(folder, version.digest)
        entry = _append(database, head, version, gate, approver, reason.strip(), actor, effective_at)
    reconcile(client, database, model)
    return entry


def _previous_champion(database: Database, head: LedgerEntry) -> int:
    """Return the default target of a rollback: the champion before.

    After a rollback, that is the one before the restored champion period, not the version that was rolled back.

    :raises Refused: when there was none before.
    """
    entry: LedgerEntry | None = head
    while entry is not None and entry.action == "rollback":
        entry = ledger.last_entry_of_version(database, entry.model, entry.version, before_revision=entry.revision)
    if entry is not None and entry.previous_revision is not None:
        previous = ledger.at_revision(database, entry.model, entry.previous_revision)
        if previous is not None and previous.version != head.version:
            return previous.version
    raise Refused(
        f"{head.model} had no other champion before v{head.version}",
        where=f"revision {head.revision}",
        hint="name the target version; it must have been champion, or have passed its gate",
    )


def _qualifying_gate(database: Database, version: Version) -> str | None:
    """Return the gate report that qualifies a version: that of its champion period, or a later passing one.

    :raises Refused: when it was never champion with these files and has not passed a gate.
    """
    period = ledger.last_entry_of_version(database, version.model, version.version)
    if period is not None and period.digest == version.digest:
        return period.gate_report
    if version.gate_report is None:
        raise Refused(
            f"{version.model} v{version.version} was never champion, and has not passed a gate",
            hint=f"choose a version listed by 'airflow mlops history {version.model}', or run the gate on it",
        )
    check_gate(reports.get(database, version.gate_report), version, None)
    return version.gate_report


def _append(
    database: Database,
    head: LedgerEntry,
    version: Version,
    gate: str | None,
    approver: str | None,
    reason: str,
    actor: str,
    effective_at: datetime | None,
) -> LedgerEntry:
    try:
        return ledger.append(
            database,
            model=version.model,
            expected_revision=head.revision,
            version=version.version,
            digest=version.digest,
            gate_report=gate,
            approver=approver,
            reason=reason,
            actor=actor,
            effective_at=effective_at,
            action="rollback",
        )
    except Superseded:
        raise
    except Conflict:
        raise Conflict(
            f"the champion of {version.model!r} has changed concurrently: nothing was rolled back",
            where=f"expected revision {head.revision}",
            hint=f"check 'airflow mlops history {version.model}', then roll back again if it is still wrong",
        ) from None
