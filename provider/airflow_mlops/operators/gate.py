"""The evaluation gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseBranchOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.operators.base import ReportingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

DECISION_TABLE = "decision_table"


class EvaluationGateOperator(ReportingOperator, BaseBranchOperator):
    """Decide whether the challenger becomes champion, and branch on it; gives a ``ReportRef``.

    ``promote`` and ``bootstrap`` (the first champion) follow ``if_promote``, ``hold`` follows ``if_hold``, ``reject``
    follows ``if_reject``. ``blocked`` (the evidence does not allow a judgement) fails the task, after the report is
    published: it must never look like a decision.

    The decision as a Markdown table is pushed as the XCom ``decision_table``, for the body of an ``ApprovalOperator``:
    ``body="{{ ti.xcom_pull(task_ids='gate', key='decision_table') }}"``.

    :param evaluation: the ``ReportRef`` of the evaluation.
    :param challenger: the ``ModelVersionRef`` that it judged.
    :param policy: the path of a ``policy.yaml`` with a ``gate`` section, or its content.
    :param self_tests: the ``ReportRef`` of the challenger's self-tests; the policy says whether they are required.
    :param if_promote: the task or task group that follows.
    :param if_hold: the task or task group that follows; ``None`` follows ``if_reject``.
    :param if_reject: the task or task group that follows; ``None`` skips everything downstream.
    """

    template_fields: Sequence[str] = (
        "evaluation",
        "challenger",
        "policy",
        "self_tests",
        "if_promote",
        "if_hold",
        "if_reject",
    )
    inherits_from_skipmixin = True

    def __init__(
        self,
        *,
        evaluation: Mapping[str, Any],
        challenger: Mapping[str, Any],
        policy: str | Mapping[str, Any] | None = None,
        self_tests: Mapping[str, Any] | None = None,
        if_promote: str | Sequence[str],
        if_hold: str | Sequence[str] | None = None,
        if_reject: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.evaluation = evaluation
        self.challenger = challenger
        self.policy = policy
        self.self_tests = self_tests
        self.if_promote = if_promote
        self.if_hold = if_hold
        self.if_reject = if_reject

    def choose_branch(self, context: Context) -> str | Sequence[str] | None:
        """Not used: :meth:`step` decides, publishes and branches, so that the task gives the report's reference."""
        raise NotImplementedError

    def step(self, context: Context) -> dict[str, Any]:
        """Decide, publish, bind to the version, branch."""
        from airflow_mlops.core.evaluation.gate.policy import GatePolicy
        from airflow_mlops.core.evaluation.gate.table import decision_table
        from airflow_mlops.core.policy import load_section
        from airflow_mlops.core.refs import ModelVersionRef, ReportRef
        from airflow_mlops.core.registry.gating import gate
        from airflow_mlops.store import reports, versions

        challenger = ModelVersionRef.from_dict(self.challenger)
        report = gate(
            self.database,
            self.snapshots,
            evaluation=reports.get(self.database, ReportRef.from_dict(self.evaluation).id),
            challenger=challenger,
            policy=load_section(GatePolicy, self.policy, "gate"),
            self_tests=reports.get(self.database, ReportRef.from_dict(self.self_tests).id) if self.self_tests else None,
        )
        ref = self.publish(report, context)
        context["ti"].xcom_push(DECISION_TABLE, decision_table(report))
        decision = str(report.decision)
        versions.bind_gate(self.database, challenger.model, challenger.version, report_id=report.id, decision=decision)
        if decision == "blocked":
            raise AirflowFailException(f"{report.summary()}\n  report: {report.id}")
        branches = {
            "promote": self.if_promote,
            "bootstrap": self.if_promote,
            "hold": self.if_hold or self.if_reject,
            "reject": self.if_reject,
        }
        # Branching ends the task by an exception of Airflow's own, so what the task gives is pushed before.
        context["ti"].xcom_push("return_value", ref)
        self.do_branch(context, branches[decision])
        return ref
