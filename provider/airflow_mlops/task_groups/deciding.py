"""The second half of a training: a registered version is tested, evaluated, decided on, promoted or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import BaseOperator

from airflow_mlops.operators.card import ModelCardOperator
from airflow_mlops.operators.evaluate import EvaluateModelOperator
from airflow_mlops.operators.gate import DECISION_TABLE, EvaluationGateOperator
from airflow_mlops.operators.promote import PromoteModelOperator
from airflow_mlops.operators.self_test import SelfTestModelOperator
from airflow_mlops.task_groups.base import Step, made, output, pulled, sibling

JOIN = "none_failed_min_one_success"


@dataclass(frozen=True, slots=True)
class Judged:
    """What is judged, and by what.

    :param challenger: the step that has registered it.
    :param parts: part -> ``SnapshotRef``.
    :param row_key: the columns that name a row.
    :param looked_at: ``slices``, ``groups`` and ``threshold``.
    :param fitted: ``target``, ``contract``, ``features``, ``metric`` and ``trusted_types``.
    :param policy: the policy's file or content.
    :param self_tests: the module with the team's tests.
    :param about: what its owners say.
    :param plan: the plan's output.
    :param outlets: assets of a promotion.
    :param notify: called when gate and promotion are over.
    """

    challenger: BaseOperator
    parts: Mapping[str, Any]
    row_key: list[str]
    looked_at: Mapping[str, Any]
    fitted: Mapping[str, Any]
    policy: Any
    self_tests: str | None
    about: str | None
    plan: Any
    outlets: Sequence[Any]
    notify: Callable[..., Any] | None

    def evaluation(self, step: Mapping[str, Any]) -> dict[str, Any]:
        """Give the evaluation's parameters: promotion needs the same, to judge again after a lost race."""
        return {"test": self.parts["test"], "key": self.row_key, **self.looked_at, **self.fitted, **step}


@dataclass(slots=True)
class Deciding:
    """The steps that are there so far.

    :param last: those that the next one is put behind.
    """

    last: list[BaseOperator]
    self_tested: Any = None
    evaluation: Any = None
    gate: BaseOperator | None = None
    promoted: BaseOperator | None = None
    card: Any = None


def deciding_tasks(
    judged: Judged,
    *,
    self_test: Step,
    evaluate: Step,
    gate: Step,
    approval: Step,
    promote: Mapping[str, Any],
    card: Step,
) -> Deciding:
    """Make the steps that are asked for; see :func:`~airflow_mlops.task_groups.training.training_tasks`."""
    version = output(judged.challenger)
    done = Deciding(last=[judged.challenger])
    if self_test is not None:
        fitted = {**judged.fitted, "rows": judged.parts["validation"], "self_tests": judged.self_tests}
        # A failed test is for the gate to reject, and for the card to tell; without a gate the task says it.
        failed = "warn" if gate is not None and evaluate is not None else "fail"
        tested = made(
            SelfTestModelOperator, self_test, task_id="self_test", version=version, when_failed=failed, **fitted
        )
        done.self_tested, done.last = output(tested), [tested]
    if evaluate is not None:
        evaluated = EvaluateModelOperator(task_id="evaluate", challenger=version, **judged.evaluation(evaluate))
        done.evaluation, done.last = output(evaluated), [*([] if self_test is None else done.last), evaluated]
        if gate is not None:
            _decide(judged, done, gate, approval, promote, judged.evaluation(evaluate))
    if card is not None:
        _card(judged, done, card)
    return done


def _decide(
    judged: Judged, done: Deciding, gate: Mapping[str, Any], approval: Step, promote: Mapping[str, Any], how: Any
) -> None:
    """Gate, then one of three ways."""
    ways = {way: sibling(judged.challenger, way) for way in ("promote", "hold", "reject")}
    done.gate = made(
        EvaluationGateOperator,
        gate,
        task_id="gate",
        evaluation=done.evaluation,
        challenger=output(judged.challenger),
        policy=judged.policy,
        self_tests=done.self_tested,
        if_promote=ways["promote"],
        if_hold=None if approval is None else ways["hold"],
        if_reject=ways["reject"],
        on_success_callback=judged.notify,
        on_failure_callback=judged.notify,
    )
    hold = None if approval is None else _hold(judged.challenger, done.gate, approval)
    reject = EmptyOperator(task_id="reject")
    done.promoted = _promote(judged, done, hold, promote, how)
    done.gate >> [done.promoted, reject]
    if hold is not None:
        done.gate >> hold >> done.promoted
    done.last = [done.promoted, reject]


def _hold(challenger: BaseOperator, gate: BaseOperator, approval: Mapping[str, Any]) -> ApprovalOperator:
    """Ask a person; nobody's answer within three days is a no."""
    name = f"{pulled(challenger, field='model')} v{pulled(challenger, field='version')}"
    return made(
        ApprovalOperator,
        approval,
        task_id="hold",
        subject=f"Shall {name} become champion?",
        body=pulled(gate, DECISION_TABLE),
        defaults="Reject",
        response_timeout=timedelta(days=3),
    )


def _promote(
    judged: Judged, done: Deciding, hold: ApprovalOperator | None, promote: Mapping[str, Any], how: Mapping[str, Any]
) -> PromoteModelOperator:
    assert done.gate is not None
    plan = judged.plan
    of_plan = {}
    if plan is not None:
        of_plan = {
            "effective_at": plan["effective_at"],
            "reason": f"{pulled(plan.operator, field='cause')}: passed the gate",
        }
    return made(
        PromoteModelOperator,
        promote,
        task_id="promote",
        challenger=output(judged.challenger),
        gate=output(done.gate),
        approver=output(hold),
        evaluation=how,  # another version may become champion meanwhile: then this one is judged again
        policy=judged.policy,
        self_tests=done.self_tested,
        outlets=list(judged.outlets),
        trigger_rule=JOIN,
        on_success_callback=judged.notify,
        **of_plan,
    )


def _card(judged: Judged, done: Deciding, card: Mapping[str, Any]) -> None:
    """Write the card behind all that was decided."""
    written = made(
        ModelCardOperator,
        card,
        task_id="card",
        version=output(judged.challenger),
        evaluation=done.evaluation,
        gate=output(done.gate),
        self_tests=done.self_tested,
        text=judged.about,
    )
    done.last >> written
    done.card, done.last = output(written), [written]
