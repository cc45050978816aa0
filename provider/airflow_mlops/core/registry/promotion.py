"""Promotion: from a passing gate to a ledger entry, and MLflow's aliases kept in step with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import Refused
from airflow_mlops.core.refs import ModelVersionRef
from airflow_mlops.core.registry.loading import verify
from airflow_mlops.core.report import Report
from airflow_mlops.core.tracking import local_files
from airflow_mlops.store import ledger, reports, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

PASSING = ("promote", "bootstrap")
_CLASH, _CLASHES = ("BAD_REQUEST", "RESOURCE_ALREADY_EXISTS"), 10


class GuardRefused(Refused):
    """The version is sound, but this run is not one that should move the champion: a backfill, or older data."""


def bind(report: Report, challenger: ModelVersionRef, champion: LedgerEntry | None) -> Report:
    """Bind a gate report to the files it judged and to the champion it compared them with."""
    binding = {
        "model": challenger.model,
        "version": challenger.version,
        "digest": challenger.digest,
        "champion_epoch": None if champion is None else champion.epoch,
        "champion_version": None if champion is None else champion.version,
    }
    return replace(report, facts={**report.facts, "binding": binding})


def promote(
    client: MlflowClient,
    database: Database,
    *,
    challenger: ModelVersionRef,
    gate: str,
    actor: str,
    reason: str,
    approver: str | None = None,
    effective_at: datetime | None = None,
    backfill: str | None = None,
    allow_backfill: bool = False,
    allow_older: bool = False,
) -> LedgerEntry:
    """Make a version champion.

    :param gate: the id of its published gate report.
    :param actor: ``dag_id/run_id/task_id/map_index``: a retry gives the entry that it has made already.
    :param approver: who approved, where the gate held.
    :param effective_at: from when on, on the data's clock; default now.
    :param backfill: if this belongs to a backfill, which registers but does not promote: what tells so, in words.
    :param allow_backfill: promote all the same.
    :param allow_older: promote though the champion was trained on newer data.
    :raises Refused: when a guard forbids it.
    :raises Conflict: when the champion has changed since the gate.
    """
    version = versions.get(database, challenger.model, challenger.version)
    done = ledger.made_by(database, version.model, version.version, actor)
    if done is None:
        binding = passing_gate(reports.get(database, gate), version, approver)
        champion = ledger.head(database, version.model)
        if backfill and not allow_backfill:
            raise _of_a_backfill(version, backfill)
        if champion is not None and not allow_older:
            _not_older(version, versions.get(database, version.model, champion.version))
        with local_files(version.artifact_uri, client) as folder:
            verify(folder, version.digest)
        done = ledger.append(
            database,
            model=version.model,
            expected_epoch=binding["champion_epoch"],
            version=version.version,
            digest=version.digest,
            gate_report=gate,
            approver=approver,
            reason=reason,
            actor=actor,
            effective_at=effective_at,
        )
    reconcile(client, database, version.model)
    return done


def approver_of(answer: str | Mapping[str, Any] | None) -> str | None:
    """Give the name of whoever approved; ``None`` when nobody was asked.

    :param answer: a name, or what Airflow's ``ApprovalOperator`` gives.
    :raises Refused: when the answer is not an approval, or no person gave it: a default after a timeout is nobody's
        word.
    """
    if not answer:
        return None
    if isinstance(answer, str):
        return answer
    chosen, user = list(answer.get("chosen_options") or ()), answer.get("responded_by_user") or {}
    name = str(user.get("name") or user.get("id") or "")
    if chosen != ["Approve"] or not name:
        raise Refused(
            f"the answer is no approval: {', '.join(map(str, chosen)) or 'nothing'} by {name or 'nobody'}",
            mend="promotion needs a person who chooses Approve",
        )
    return name


def reconcile(client: MlflowClient, database: Database, model: str) -> bool:
    """Make MLflow's aliases ``champion`` and ``previous`` what the ledger says; gives whether they were not.

    The ledger decides: a crash between ledger and alias is repaired by the next caller. MLflow's aliases know no
    compare-and-set, so a slow caller may put back an alias that a faster one has just moved on; therefore whoever has
    written looks at the ledger again, and the last writer is always one that has. So does an attempt that has been
    superseded while it wrote: it may decide nothing any more, but has to mend what it has just put back.
    """
    from mlflow.exceptions import MlflowException

    database = database.unfenced()
    changed, clashes = False, 0
    entries = ledger.history(database, model, limit=2)
    while entries:
        try:
            if not _aliased(client, entries):
                break
        except MlflowException as error:  # MLflow looks, then inserts: of two at once one gets its database's error
            clashes += 1
            if error.error_code not in _CLASH or clashes > _CLASHES:
                raise
            entries = ledger.history(database, model, limit=2)
            continue
        changed = True
        newer = ledger.history(database, model, limit=2)
        if newer[0].epoch == entries[0].epoch:
            break
        entries = newer
    return changed


def _aliased(client: MlflowClient, entries: Sequence[LedgerEntry]) -> bool:
    """Set what differs of the aliases; gives whether anything did."""
    model, wanted = entries[0].model, {"champion": entries[0].version}
    if len(entries) > 1:
        wanted["previous"] = entries[1].version
    aliases = client.get_registered_model(model).aliases
    stale = {alias: version for alias, version in wanted.items() if str(aliases.get(alias)) != str(version)}
    if stale:  # the tag first: after a kill in between the alias still says that there is something to do
        client.set_model_version_tag(model, str(entries[0].version), "mlops.epoch", str(entries[0].epoch))
    for alias, version in stale.items():
        client.set_registered_model_alias(model, alias, str(version))
    return bool(stale)


def passing_gate(report: Report, version: Version, approver: str | None) -> Mapping[str, Any]:
    """Give the gate's binding, if the gate lets this very version pass.

    :param approver: who approved, where the gate held.
    :raises Refused: when it does not.
    """
    name = f"{version.model} v{version.version}"
    binding = report.facts.get("binding") or {}
    bound = (binding.get("model"), binding.get("version"), binding.get("digest"))
    if report.kind != "gate" or bound != (version.model, version.version, version.digest):
        raise Refused(
            f"report {report.id} is not a gate report of these files of {name}",
            mend="run the gate on this version, and promote with its report",
        )
    if report.decision == "hold" and approver:
        return binding
    if report.decision not in PASSING or report.verdict not in ("pass", "warn"):
        raise Refused(
            f"the gate did not let {name} pass: {report.decision}",
            where=report.summary(3),
            mend="a held version needs an approver; a rejected one needs a better challenger",
        )
    return binding


def _of_a_backfill(version: Version, backfill: str) -> GuardRefused:
    return GuardRefused(
        f"{version.model} v{version.version} comes from a backfill: registered, not promoted",
        where=backfill,
        mend="allow_backfill=True promotes all the same",
    )


def _not_older(version: Version, champion: Version) -> None:
    if champion.cutoff is not None and (version.cutoff is None or version.cutoff < champion.cutoff):
        raise GuardRefused(
            f"{version.model} v{version.version} was trained on data up to {version.cutoff or 'nobody knows when'}, "
            f"the champion v{champion.version} up to {champion.cutoff}",
            mend="allow_older=True promotes all the same",
        )
