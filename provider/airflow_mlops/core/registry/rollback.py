"""Rollback: a version that was champion before is champion again. One entry in the ledger, and no file is rewritten.

Its baseline, contract and thresholds belong to the version, so whatever asks for the champion (scoring, the drift
checks, the gate of the next challenger) follows without being told.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow_mlops.core.errors import Conflict, NotFound, Refused, Superseded
from airflow_mlops.core.registry.loading import verify
from airflow_mlops.core.registry.promotion import passing_gate, reconcile
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

    :param reason: why. A rollback without one is refused: somebody will ask.
    :param actor: ``dag_id/run_id/task_id/map_index``, or a person's name.
    :param to: the version; default: the champion before this one.
    :param approver: the person who wants it, where the actor is a task.
    :param effective_at: from when on, on the data's clock; default now.
    :param once: whether the actor does it once, as a task: a retry gives the entry that it has made already. A person
        may do it again.
    :raises NotFound: when the model has no champion, or there is no such version.
    :raises Refused: when there is no reason; when the version is champion; when it never was and has no passing gate
        report; when its files are not those that were registered.
    :raises Conflict: when the champion has changed meanwhile.
    """
    if not reason.strip():
        raise Refused("a rollback needs a reason", mend="say in a sentence what is wrong with the champion")
    done = ledger.done_by(database, model, "rollback", actor) if once else None
    if done is None:
        head = ledger.head(database, model)
        if head is None:
            raise NotFound(f"{model!r} has no champion, so there is nothing to roll back", where=database.address)
        number = before(database, head) if to is None else to
        if number == head.version:
            raise Refused(f"{model} v{number} is champion already", where=f"epoch {head.epoch}")
        version = versions.get(database, model, number)
        gate = _right_to_reign(database, version)
        with local_files(version.artifact_uri, client) as folder:
            verify(folder, version.digest)
        done = _append(database, head, version, gate, approver, reason.strip(), actor, effective_at)
    reconcile(client, database, model)
    return done


def before(database: Database, head: LedgerEntry) -> int:
    """Give the version to which a rollback goes when none is named: the champion before.

    After a rollback that is the one before the reign that came back, not the version that was rolled back.

    :raises Refused: when there was none before.
    """
    entry: LedgerEntry | None = head
    while entry is not None and entry.action == "rollback":
        entry = ledger.reign_of(database, entry.model, entry.version, before_epoch=entry.epoch)
    if entry is not None and entry.previous_epoch is not None:
        previous = ledger.at_epoch(database, entry.model, entry.previous_epoch)
        if previous is not None and previous.version != head.version:
            return previous.version
    raise Refused(
        f"before {head.model} v{head.version} there was no other champion",
        where=f"epoch {head.epoch}",
        mend="name the version to go to; it has to have been champion, or to have passed its gate",
    )


def _right_to_reign(database: Database, version: Version) -> str | None:
    """Give the gate report by which a version may be champion: that of its reign, or one that let it pass since.

    :raises Refused: when it was never champion with these files and has passed no gate.
    """
    reign = ledger.reign_of(database, version.model, version.version)
    if reign is not None and reign.digest == version.digest:
        return reign.gate_report
    if version.gate_report is None:
        raise Refused(
            f"{version.model} v{version.version} was never champion, and has passed no gate",
            mend=f"choose one of those that 'airflow mlops history {version.model}' shows, or run the gate on it",
        )
    passing_gate(reports.get(database, version.gate_report), version, None)
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
            expected_epoch=head.epoch,
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
            f"the champion of {version.model!r} has changed just now: nothing was rolled back",
            where=f"expected epoch {head.epoch}",
            mend=f"look at 'airflow mlops history {version.model}', then roll back again if it is still wrong",
        ) from None
