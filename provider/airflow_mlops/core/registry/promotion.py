"""Promotion of a version with a passing gate report to champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import Refused
from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.common.report import Report
from airflow_mlops.core.models.loading import verify_digest
from airflow_mlops.core.registry.aliases import reconcile
from airflow_mlops.core.tracking import local_files
from airflow_mlops.store import ledger, reports, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

PASSING_DECISIONS = ("promote", "promote_first")


class GuardRefused(Refused):
    """The version is sound, but this run should not move the champion: a backfill, or older data."""


def bind(report: Report, challenger: ModelVersionRef, champion: LedgerEntry | None) -> Report:
    """Bind a gate report to the evaluated files and to the champion that they were compared with."""
    binding = {
        "model": challenger.model,
        "version": challenger.version,
        "digest": challenger.digest,
        "champion_revision": None if champion is None else champion.revision,
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
    :param actor: ``dag_id/run_id/task_id/map_index``; a retry returns the entry that it has already written.
    :param approver: who approved, where the gate held.
    :param effective_at: from when on, on the data's clock; default now.
    :param backfill: a description of the backfill that this run belongs to. A backfill registers, but does not promote.
    :param allow_backfill: promote in a backfill, too.
    :param allow_older: promote even if the champion was trained on newer data.
    :raises Refused: when a guard forbids it.
    :raises Conflict: when the champion has changed since the gate.
    """
    version = versions.get(database, challenger.model, challenger.version)
    entry = ledger.find_promotion(database, version.model, version.version, actor)
    if entry is None:
        binding = check_gate(reports.get(database, gate), version, approver)
        champion = ledger.head(database, version.model)
        if backfill and not allow_backfill:
            raise GuardRefused(
                f"{version.model} v{version.version} comes from a backfill: registered, not promoted",
                where=backfill,
                hint="set allow_backfill=True to promote it anyway",
            )
        if champion is not None and not allow_older:
            _check_not_older(version, versions.get(database, version.model, champion.version))
        with local_files(version.artifact_uri, client) as folder:
            verify_digest(folder, version.digest)
        entry = ledger.append(
            database,
            model=version.model,
            expected_revision=binding["champion_revision"],
            version=version.version,
            digest=version.digest,
            gate_report=gate,
            approver=approver,
            reason=reason,
            actor=actor,
            effective_at=effective_at,
        )
    reconcile(client, database, version.model)
    return entry


def approver_of(approval: str | Mapping[str, Any] | None) -> str | None:
    """Return the name of the approver; ``None`` when no approval was requested.

    :param approval: a name, or the output of Airflow's ``ApprovalOperator``.
    :raises Refused: when it is not an approval, or not by a person: a default after a timeout does not count.
    """
    if not approval:
        return None
    if isinstance(approval, str):
        return approval
    options, user = list(approval.get("chosen_options") or ()), approval.get("responded_by_user") or {}
    name = str(user.get("name") or user.get("id") or "")
    if options != ["Approve"] or not name:
        raise Refused(
            f"the response is not an approval: {', '.join(map(str, options)) or 'nothing'} by {name or 'no user'}",
            hint="promotion needs a person who chooses Approve",
        )
    return name


def check_gate(report: Report, version: Version, approver: str | None) -> Mapping[str, Any]:
    """Return the binding of a gate report, if it lets this version with these files pass.

    :param approver: who approved, where the gate held.
    :raises Refused: when it does not.
    """
    name = f"{version.model} v{version.version}"
    binding = report.facts.get("binding") or {}
    bound = (binding.get("model"), binding.get("version"), binding.get("digest"))
    if report.kind != "gate" or bound != (version.model, version.version, version.digest):
        raise Refused(
            f"report {report.id} is not a gate report of these files of {name}",
            hint="run the gate on this version, and promote with its report",
        )
    if report.decision == "hold" and approver:
        return binding
    if report.decision not in PASSING_DECISIONS or report.verdict not in ("pass", "warn"):
        raise Refused(
            f"the gate did not let {name} pass: {report.decision}",
            where=report.summary(3),
            hint="a held version needs an approver; a rejected one needs a better challenger",
        )
    return binding


def _check_not_older(version: Version, champion: Version) -> None:
    if champion.cutoff is not None and (version.cutoff is None or version.cutoff < champion.cutoff):
        raise GuardRefused(
            f"{version.model} v{version.version} was trained on data up to {version.cutoff or 'an unknown date'}, "
            f"the champion v{champion.version} up to {champion.cutoff}",
            hint="set allow_older=True to promote it anyway",
        )
