"""The loser of a race judges itself again, against the champion that came first.

Its gate report compared it with a champion that is no more, so the ledger does not take it. Here it is evaluated and
gated against the new one: a version that is better than both still becomes champion, one that is not is told so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.core.errors import Conflict, Refused, Superseded
from airflow_mlops.core.refs import ModelVersionRef
from airflow_mlops.core.registry.promotion import PASSING, GuardRefused
from airflow_mlops.core.report import Report
from airflow_mlops.store import reports, versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry

if TYPE_CHECKING:  # what evaluates is imported only by whoever has lost
    from airflow_mlops.core.evaluation.asked import Asked
    from airflow_mlops.core.evaluation.gate.policy import GatePolicy
    from airflow_mlops.core.registry.comparison import Rows
    from airflow_mlops.core.registry.loading import Loading

TIMES = 3


class Outdone(GuardRefused):
    """The version passed its gate, but another became champion first, and against that one it does not pass."""


class Promote(Protocol):
    """Promotes by the gate report of that id, in the name of that approver."""

    def __call__(self, *, gate: str, approver: str | None) -> LedgerEntry:
        """Give the entry.

        :raises Conflict: when the champion is not the one that the gate has seen.
        """


@dataclass(frozen=True, slots=True)
class Judging:
    """How a challenger is judged, so that it can be done again.

    :param rows: the gate rows.
    :param metric: the task's main figure.
    :param policy: what the gate demands.
    :param asked: what the evaluation looks at beyond the metrics.
    :param trusted: the project's own types that the models may contain.
    :param self_tests: the report of the challenger's self-tests.
    """

    rows: Rows
    metric: str
    policy: GatePolicy
    asked: Asked
    trusted: tuple[str, ...] = ()
    self_tests: Report | None = None


def judge_again(
    database: Database,
    root: SnapshotRoot,
    judging: Judging,
    *,
    challenger: ModelVersionRef,
    tracking_uri: str,
    how: Loading | None = None,
    publish: Callable[[Report], object],
) -> Report:
    """Evaluate and gate a challenger against the champion of now; gives the gate's report, bound and published.

    :param how: how the models are loaded.
    :param publish: keeps a report; called with the evaluation, then with the gate's.
    """
    from airflow_mlops.core.registry.comparison import compare
    from airflow_mlops.core.registry.gating import gate
    from airflow_mlops.core.registry.loading import SAFE

    evaluation = compare(
        database,
        root,
        challenger=challenger,
        rows=judging.rows,
        metric=judging.metric,
        tracking_uri=tracking_uri,
        trusted=judging.trusted,
        asked=judging.asked,
        how=how or SAFE,
    )
    publish(evaluation)
    report = gate(
        database,
        root,
        evaluation=evaluation,
        challenger=challenger,
        policy=judging.policy,
        self_tests=judging.self_tests,
    )
    publish(report)
    versions.bind_gate(
        database, challenger.model, challenger.version, report_id=report.id, decision=str(report.decision)
    )
    return report


def last_decision(database: Database, gate: str) -> str | None:
    """Give what was last decided on the version that a gate report is about: a lost race may have judged it again.

    :param gate: the id of the gate report.
    :return: as in the report where it is bound to no version.
    """
    report = reports.get(database, gate)
    binding = report.facts.get("binding")
    if not binding:
        return report.decision
    return versions.get(database, str(binding["model"]), int(binding["version"])).gate_decision


def promote_or_judge_again(
    promote: Promote, judge: Callable[[], Report] | None, *, gate: str, approver: str | None
) -> LedgerEntry:
    """Promote; each time that somebody else was first, judge again and try with the new report.

    :param judge: gives a new, published gate report; ``None``: a lost race is an error.
    :param gate: the id of the gate report to begin with.
    :param approver: who approved by that report. The word is of no use for another one.
    :raises Conflict: when the race was lost and nothing is known of how to judge again, or after three times.
    :raises Outdone: when the version does not pass, or has to be approved anew, against the new champion.
    :raises Refused: when a guard forbids the promotion, or the evidence does not allow a judgement.
    """
    for _ in range(TIMES if judge else 0):
        try:
            return promote(gate=gate, approver=approver)
        except Superseded:  # not by another version: by another attempt of this very task
            raise
        except Conflict:
            assert judge is not None
            report = judge()
            if report.decision not in PASSING:
                raise _lost(report) from None
            gate, approver = report.id, None
    return promote(gate=gate, approver=approver)


def _lost(report: Report) -> Refused:
    """Say how a version came out against the champion that was first."""
    said = f"another version became champion first; judged again against it, {report.subject}: {report.decision}"
    if report.decision == "blocked":
        return Refused(said, where=report.summary(3), mend="mend the evidence, then run the gate and promote again")
    mend = (
        "approve it by a new run: the earlier word was about another comparison" if report.decision == "hold" else None
    )
    return Outdone(said, where=f"report {report.id}", mend=mend)
