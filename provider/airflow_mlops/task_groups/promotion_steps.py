"""Tasks that test, evaluate, gate and promote a registered version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import BaseOperator

from airflow_mlops.execution.steps.parameters import EvaluateParameters
from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.gate import DECISION_TABLE, EvaluationGateOperator
from airflow_mlops.operators.model_card import ModelCardOperator
from airflow_mlops.operators.promote import PromoteModelOperator
from airflow_mlops.operators.self_test import SelfTestModelOperator
from airflow_mlops.task_groups.base import StepOptions, build_task, output_of, sibling_task_id, xcom_template

JOIN = "none_failed_min_one_success"


@dataclass(frozen=True, slots=True)
class PromotionInputs:
    """Inputs of the promotion tasks.

    :param challenger: task that registers the version.
    :param parts: part name -> ``SnapshotRef``.
    :param row_key: columns that identify a row.
    :param slicing_options: ``slices``, ``groups`` and ``threshold`` of the evaluation.
    :param model_options: ``target``, ``contract``, ``features``, ``metric`` and ``trusted_types`` of the model.
    :param policy: path or content of the policy.
    :param self_tests: module with the team's tests.
    :param about: owners' section of the model card.
    :param plan: output of the plan.
    :param outlets: asset outlets of the promotion.
    :param notify: callback of gate and promotion.
    """

    challenger: BaseOperator
    parts: Mapping[str, Any]
    row_key: list[str]
    slicing_options: Mapping[str, Any]
    model_options: Mapping[str, Any]
    policy: Any
    self_tests: str | None
    about: str | None
    plan: Any
    outlets: Sequence[Any]
    notify: Callable[..., Any] | None

    def evaluation_options(self, step: Mapping[str, Any]) -> dict[str, Any]:
        """Return the evaluation's arguments. The promotion reuses its parameters to re-evaluate after a lost race."""
        return {"test": self.parts["test"], "key": self.row_key, **self.slicing_options, **self.model_options, **step}


@dataclass(slots=True)
class PromotionSteps:
    """Outputs of the promotion tasks created so far.

    :param last: tasks upstream of the next one.
    """

    last: list[BaseOperator]
    self_tests: Any = None
    evaluation: Any = None
    gate: BaseOperator | None = None
    promotion: BaseOperator | None = None
    card: Any = None


def promotion_tasks(
    inputs: PromotionInputs,
    *,
    self_test: StepOptions,
    evaluate: StepOptions,
    gate: StepOptions,
    approval: StepOptions,
    promote: Mapping[str, Any],
    card: StepOptions,
) -> PromotionSteps:
    """Create the enabled steps; see :func:`~airflow_mlops.task_groups.training.training_tasks`."""
    version = output_of(inputs.challenger)
    steps = PromotionSteps(last=[inputs.challenger])
    if self_test is not None:
        fitted = {**inputs.model_options, "rows": inputs.parts["validation"], "self_tests": inputs.self_tests}
        # With a gate, a failed test is rejected there; without one, the task fails.
        when_failed = "warn" if gate is not None and evaluate is not None else "fail"
        tests = build_task(
            SelfTestModelOperator, self_test, task_id="self_test", version=version, when_failed=when_failed, **fitted
        )
        steps.self_tests, steps.last = output_of(tests), [tests]
    if evaluate is not None:
        options = inputs.evaluation_options(evaluate)
        evaluation = build_task(EvaluateModelOperator, options, task_id="evaluate", challenger=version)
        steps.evaluation, steps.last = output_of(evaluation), [*([] if self_test is None else steps.last), evaluation]
        if gate is not None:
            _add_gate(inputs, steps, gate, approval, promote, options)
    if card is not None:
        _add_card(inputs, steps, card)
    return steps


def _add_gate(
    inputs: PromotionInputs,
    steps: PromotionSteps,
    gate: Mapping[str, Any],
    approval: StepOptions,
    promote: Mapping[str, Any],
    evaluation: Mapping[str, Any],
) -> None:
    """Add the gate and its three branches."""
    branches = {name: sibling_task_id(inputs.challenger, name) for name in ("promote", "hold", "reject")}
    steps.gate = build_task(
        EvaluationGateOperator,
        gate,
        task_id="gate",
        evaluation=steps.evaluation,
        challenger=output_of(inputs.challenger),
        policy=inputs.policy,
        self_tests=steps.self_tests,
        if_promote=branches["promote"],
        if_hold=None if approval is None else branches["hold"],
        if_reject=branches["reject"],
        on_success_callback=inputs.notify,
        on_failure_callback=inputs.notify,
    )
    hold = None if approval is None else _build_hold(inputs.challenger, steps.gate, approval)
    reject = EmptyOperator(task_id="reject")
    steps.promotion = _build_promotion(inputs, steps, hold, promote, evaluation)
    steps.gate >> [steps.promotion, reject]
    if hold is not None:
        steps.gate >> hold >> steps.promotion
    steps.last = [steps.promotion, reject]


def _build_hold(challenger: BaseOperator, gate: BaseOperator, approval: Mapping[str, Any]) -> ApprovalOperator:
    """Return the approval task. Without a response within three days, the version is rejected."""
    name = f"{xcom_template(challenger, field='model')} v{xcom_template(challenger, field='version')}"
    return build_task(
        ApprovalOperator,
        approval,
        task_id="hold",
        subject=f"Promote {name} to champion?",
        body=xcom_template(gate, DECISION_TABLE),
        defaults="Reject",
        response_timeout=timedelta(days=3),
    )


def _build_promotion(
    inputs: PromotionInputs,
    steps: PromotionSteps,
    hold: ApprovalOperator | None,
    promote: Mapping[str, Any],
    evaluation: Mapping[str, Any],
) -> PromoteModelOperator:
    assert steps.gate is not None
    plan = inputs.plan
    plan_options = {}
    if plan is not None:
        plan_options = {
            "effective_at": plan["effective_at"],
            "reason": f"{xcom_template(plan.operator, field='cause')}: passed the gate",
        }
    return build_task(
        PromoteModelOperator,
        promote,
        task_id="promote",
        challenger=output_of(inputs.challenger),
        gate=output_of(steps.gate),
        approver=output_of(hold),
        # For a re-evaluation, if another version is promoted first.
        evaluation={name: value for name, value in evaluation.items() if name in EvaluateParameters.model_fields},
        policy=inputs.policy,
        self_tests=steps.self_tests,
        outlets=list(inputs.outlets),
        trigger_rule=JOIN,
        on_success_callback=inputs.notify,
        **plan_options,
    )


def _add_card(inputs: PromotionInputs, steps: PromotionSteps, card: Mapping[str, Any]) -> None:
    """Add the model card downstream of all other steps."""
    card_task = build_task(
        ModelCardOperator,
        card,
        task_id="card",
        version=output_of(inputs.challenger),
        evaluation=steps.evaluation,
        gate=output_of(steps.gate),
        self_tests=steps.self_tests,
        text=inputs.about,
    )
    steps.last >> card_task
    steps.card, steps.last = output_of(card_task), [card_task]
