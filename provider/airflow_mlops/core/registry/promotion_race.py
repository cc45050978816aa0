"""Lost promotion races: re-evaluate and re-gate the challenger against the new champion.

The challenger's gate report is about a champion that has been replaced, so the ledger does not accept it. If it
also beats the new champion, it becomes champion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_mlops.common.errors import Conflict, Refused, Superseded
from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.common.report import Report
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.registry.promotion import PASSING_DECISIONS, GuardRefused
from airflow_mlops.store import reports, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry

if TYPE_CHECKING:  # evaluation is imported only after a lost race
    from airflow_mlops.core.evaluation.comparison import GateDataset
    from airflow_mlops.core.evaluation.options import EvaluationOptions
    from airflow_mlops.core.gate.policy import GatePolicy
    from airflow_mlops.core.models.loading import LoadingOptions

MAX_REEVALUATIONS = 3


class LostPromotionRace(GuardRefused):
    """The version passed its gate, but another became champion first, and against that one it does not pass."""


class PromoteFunction(Protocol):
    """A function that promotes with a gate report and an approver."""

    def __call__(self, *, gate: str, approver: str | None) -> LedgerEntry:
        """Return the ledger entry.

        :raises Conflict: when the champion is not the one that the gate compared with.
        """


@dataclass(frozen=True, slots=True)
class ReevaluationInputs:
    """Inputs of evaluation and gate, to run them again.

    :param rows: the gate rows.
    :param metric: the task's main metric.
    :param policy: the requirements of the gate.
    :param options: the options of the evaluation beyond the metrics.
    :param trusted: the project's own types that the models may contain.
    :param self_tests: the report of the challenger's model tests.
    """

    rows: GateDataset
    metric: str
    policy: GatePolicy
    options: EvaluationOptions
    trusted: tuple[str, ...] = ()
    self_tests: Report | None = None


def reevaluate(
    database: Database,
    root: SnapshotRoot,
    inputs: ReevaluationInputs,
    *,
    challenger: ModelVersionRef,
    tracking_uri: str,
    loading: LoadingOptions | None = None,
    publish: Callable[[Report], object],
) -> Report:
    """Evaluate and gate a challenger against the current champion; return the new gate report.

    The report is attached to the version and published.

    :param loading: how the models are loaded.
    :param publish: saves a report; called with the evaluation, then with the gate report.
    """
    from airflow_mlops.core.evaluation.comparison import compare_with_champion
    from airflow_mlops.core.models.loading import SAFE_LOADING
    from airflow_mlops.core.registry.gate_version import gate_version

    evaluation = compare_with_champion(
        database,
        root,
        challenger=challenger,
        rows=inputs.rows,
        metric=inputs.metric,
        tracking_uri=tracking_uri,
        trusted=inputs.trusted,
        options=inputs.options,
        loading_mode=loading or SAFE_LOADING,
    )
    publish(evaluation)
    report = gate_version(
        database,
        root,
        evaluation=evaluation,
        challenger=challenger,
        policy=inputs.policy,
        self_tests=inputs.self_tests,
    )
    publish(report)
    versions.bind_gate(
        database, challenger.model, challenger.version, report_id=report.id, decision=str(report.decision)
    )
    return report


def last_decision(database: Database, gate_report_id: str) -> str | None:
    """Return the newest decision on the version of a gate report: the version may have been re-evaluated since.

    :return: the report's own decision where it is not bound to a version.
    """
    report = reports.get(database, gate_report_id)
    binding = report.facts.get("binding")
    if not binding:
        return report.decision
    return versions.get(database, str(binding["model"]), int(binding["version"])).gate_decision


def promote_with_retry(
    promote: PromoteFunction, new_gate_report: Callable[[], Report] | None, *, gate: str, approver: str | None
) -> LedgerEntry:
    """Promote; after each lost race, re-evaluate and try again with the new report.

    :param new_gate_report: returns a new, published gate report; ``None``: a lost race is an error.
    :param gate: the id of the first gate report.
    :param approver: who approved by that report. The approval is valid only for that report.
    :raises Conflict: when the race was lost and ``new_gate_report`` is ``None``, or was lost repeatedly.
    :raises LostPromotionRace: when the version does not pass, or needs a new approval, against the new champion.
    :raises Refused: when a guard forbids the promotion, or the evidence is not sufficient.
    """
    for _ in range(MAX_REEVALUATIONS if new_gate_report else 0):
        try:
            return promote(gate=gate, approver=approver)
        except Superseded:  # not by another version, but by another attempt of this task
            raise
        except Conflict:
            assert new_gate_report is not None
            report = new_gate_report()
            if report.decision not in PASSING_DECISIONS:
                raise _lost_race(report) from None
            gate, approver = report.id, None
    return promote(gate=gate, approver=approver)


def _lost_race(report: Report) -> Refused:
    """Return the error for a version that does not pass against the new champion."""
    what = f"another version became champion first; re-evaluated against it, {report.subject}: {report.decision}"
    if report.decision == "blocked":
        hint = "correct what the failed checks name, then run the gate and promote again"
        return Refused(what, where=report.summary(3), hint=hint)
    approve = "start a new run and approve it there: the earlier approval was for the old champion"
    return LostPromotionRace(what, where=f"report {report.id}", hint=approve if report.decision == "hold" else None)
