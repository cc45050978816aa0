"""Operator for the evaluation gate."""

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
    """Decide whether the challenger becomes champion, and branch on the decision. Returns a ``ReportRef``.

    ``promote`` and ``promote_first`` (the first champion) follow ``if_promote``, ``hold`` follows ``if_hold``,
    ``reject`` follows ``if_reject``. ``blocked`` (insufficient evidence) is not a decision: the report is published
    and the task fails.

    The XCom ``decision_table`` has the decision as a Markdown table, for the body of an ``ApprovalOperator``:
    ``body="{{ ti.xcom_pull(task_ids='gate', key='decision_table') }}"``.

    :param evaluation: ``ReportRef`` of the evaluation.
    :param challenger: ``ModelVersionRef`` of the evaluated version.
    :param policy: path of a ``policy.yaml`` with a ``gate`` section, or its content. Default: the default policy.
    :param self_tests: ``ReportRef`` of the challenger's model tests. Default: none. The policy sets whether they are
        required.
    :param if_promote: task ID(s) or task group ID(s) to follow on promotion.
    :param if_hold: ID(s) to follow on hold. ``None`` (default): ``if_reject``.
    :param if_reject: ID(s) to follow on rejection. ``None`` (default): skip everything downstream.
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
        """Not used: :meth:`step` branches itself, because the task returns the report's reference."""
        raise NotImplementedError

    def step(self, context: Context) -> dict[str, Any]:
        """Decide, publish the report, bind the decision to the version and branch."""
        from airflow_mlops.common.policy import load_section
        from airflow_mlops.common.refs import ModelVersionRef, ReportRef
        from airflow_mlops.core.gate.decision_table import render_decision_table
        from airflow_mlops.core.gate.policy import GatePolicy
        from airflow_mlops.core.registry.gate_version import gate_version
        from airflow_mlops.store import reports, versions

        challenger = ModelVersionRef.from_dict(self.challenger)
        report = gate_version(
            self.database,
            self.snapshots,
            evaluation=reports.get(self.database, ReportRef.from_dict(self.evaluation).id),
            challenger=challenger,
            policy=load_section(GatePolicy, self.policy, "gate"),
            self_tests=reports.get(self.database, ReportRef.from_dict(self.self_tests).id) if self.self_tests else None,
        )
        ref = self.publish(report, context)
        context["ti"].xcom_push(DECISION_TABLE, render_decision_table(report))
        decision = str(report.decision)
        versions.bind_gate(self.database, challenger.model, challenger.version, report_id=report.id, decision=decision)
        if decision == "blocked":
            raise AirflowFailException(f"{report.summary()}\n  report: {report.id}")
        branches = {
            "promote": self.if_promote,
            "promote_first": self.if_promote,
            "hold": self.if_hold or self.if_reject,
            "reject": self.if_reject,
        }
        # Branching ends the task with an Airflow exception, so the return value is pushed first.
        context["ti"].xcom_push("return_value", ref)
        self.do_branch(context, branches[decision])
        return ref
