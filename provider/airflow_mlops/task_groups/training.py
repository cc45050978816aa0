"""Training: from labelled rows to a champion that is proven better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import BaseOperator

from airflow_mlops.operators.leakage import CheckLeakageOperator
from airflow_mlops.operators.register import RegisterModelOperator
from airflow_mlops.operators.split import SplitDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from airflow_mlops.task_groups.base import AS_WIRED, Rows, Step, as_task_group, made, output
from airflow_mlops.task_groups.candidates import fitting_tasks
from airflow_mlops.task_groups.deciding import Deciding, Judged, deciding_tasks
from airflow_mlops.task_groups.window import LabelledWindow, Planned, close_window, open_window

__all__ = ["LabelledWindow", "Training", "training_task_group", "training_tasks"]

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Training:
    """What the steps give; ``None`` for a step that is left out.

    :param plan: the plan of a :class:`LabelledWindow`: ``cause``, ``first``, ``cutoff``, ``effective_at``, ``episode``.
    :param rows: the labelled rows.
    :param validated: the ``ReportRef`` of their validation.
    :param parts: part -> ``SnapshotRef``: ``train``, ``validation`` and ``test``.
    :param run: the ``RunRef`` of the challenger.
    :param version: its ``ModelVersionRef``.
    :param self_tested: the ``ReportRef`` of its self-tests.
    :param evaluation: the ``ReportRef`` of its evaluation.
    :param decision: the ``ReportRef`` of the gate.
    :param promotion: the ledger's entry.
    :param card: the ``ReportRef`` of its model card.
    """

    plan: Any
    rows: Any
    validated: Any
    parts: Mapping[str, Any]
    run: Any
    version: Any
    self_tested: Any
    evaluation: Any
    decision: Any
    promotion: Any
    card: Any


def training_tasks(
    *,
    model: str,
    rows: Rows | LabelledWindow,
    target: str,
    key: str | Sequence[str],
    candidates: Sequence[str | Mapping[str, Any]],
    row_key: Sequence[str] | None = None,
    contract: str | Mapping[str, Any] | None = None,
    features: Sequence[str] | None = None,
    policy: str | Mapping[str, Any] | None = None,
    metric: str = "roc_auc",
    slices: Sequence[str] = (),
    groups: Sequence[str] = (),
    threshold: float | str = 0.5,
    self_tests: str | None = None,
    about: str | None = None,
    trusted_types: Sequence[str] = (),
    outlets: Sequence[Any] = (),
    notify: Callable[..., Any] | None = None,
    validate: Step = AS_WIRED,
    split: Mapping[str, Any] = AS_WIRED,
    leakage: Step = AS_WIRED,
    train: Mapping[str, Any] = AS_WIRED,
    tune: Step = None,
    self_test: Step = AS_WIRED,
    evaluate: Step = AS_WIRED,
    gate: Step = AS_WIRED,
    approval: Step = AS_WIRED,
    promote: Mapping[str, Any] = AS_WIRED,
    card: Step = AS_WIRED,
) -> Training:
    """Make the steps of a training, from rows to champion.

    They are ``plan``, ``training_set`` and ``candidates`` (of a :class:`LabelledWindow`), ``validate``, ``split``,
    ``leakage``, ``train`` (mapped over the candidates), ``select``, ``register``, ``self_test``, ``evaluate`` and
    ``gate``, then ``promote``, ``hold`` or ``reject``, ``card``, and ``close_episode`` (of the window). What takes a
    ``Step`` is optional: ``None`` leaves it out, a mapping gives its operator more keywords, which beat those that it
    is given here.
    A task behind them needs ``trigger_rule="none_failed"`` where there is no card to join the ways.

    :param model: the registered model's name.
    :param rows: the labelled rows: a ``SnapshotRef``, ``dataset@partition``, the output of a task, or a
        :class:`LabelledWindow` of partitions that a plan chooses.
    :param target: the column to predict.
    :param key: the column, or columns, that the split goes by: rows with the same values stay together.
    :param candidates: the import paths of functions that return an unfitted estimator; or keywords of
        :class:`~airflow_mlops.operators.train.TrainModelOperator` for each, the same ones in all, such as
        ``{"build": "include.churn.model:boosted", "candidate": "deep", "model_params": {"depth": 8}}``.
    :param row_key: the columns that name a row, where ``key`` does not; default: ``key``, and ``partition`` in a
        :class:`LabelledWindow`.
    :param contract: what the rows promise; it also names the features.
    :param features: the feature columns; default: the contract's.
    :param policy: the path of a ``policy.yaml`` with a ``gate`` section, or its content. Its ``episode`` section says
        what a retraining of a :class:`LabelledWindow` starts from.
    :param metric: the figure that candidates are chosen by; it fixes the task.
    :param slices: columns in whose values the challenger is compared with the champion.
    :param groups: columns with protected attributes.
    :param threshold: the score from which on a row is decided positive, for ``groups``.
    :param self_tests: the module with the team's own tests, such as ``include.churn.self_tests``.
    :param about: what its owners say of the model, for the card: the path of a Markdown file, or the text.
    :param trusted_types: the project's own types that the models may contain.
    :param outlets: the assets that a promotion is told by.
    :param notify: called when gate and promotion are over, such as a ``LifecycleNotifier``.
    :param validate: more for :class:`~airflow_mlops.operators.validate.ValidateDatasetOperator`. Without a contract
        there is nothing to validate by.
    :param split: more for :class:`~airflow_mlops.operators.split.SplitDatasetOperator`, such as ``{"test": 0.3}``.
    :param leakage: more for :class:`~airflow_mlops.operators.leakage.CheckLeakageOperator`.
    :param train: more for ``TrainModelOperator``, or with ``tune`` for that.
    :param tune: search: :class:`~airflow_mlops.operators.tune.TuneModelOperator` in place of ``TrainModelOperator``,
        with at least ``{"space": ...}``. In a :class:`LabelledWindow` it is a step ``tune`` beside ``train``, which
        fits what is not searched, such as the champion's configuration; the one with nothing to fit is skipped.
    :param self_test: more for :class:`~airflow_mlops.operators.self_test.SelfTestModelOperator`.
    :param evaluate: more for :class:`~airflow_mlops.operators.evaluate.EvaluateModelOperator`. ``None``: the version is
        registered, and nobody judges it.
    :param gate: more for :class:`~airflow_mlops.operators.gate.EvaluationGateOperator`. ``None``: it is evaluated, and
        nothing is decided.
    :param approval: more for Airflow's ``ApprovalOperator``, on which a held version waits. ``None``: it is rejected.
    :param promote: more for :class:`~airflow_mlops.operators.promote.PromoteModelOperator`.
    :param card: more for :class:`~airflow_mlops.operators.card.ModelCardOperator`.
    """
    planned = open_window(rows, model=model, key=key, policy=policy)
    fitted = {"target": target, "contract": contract, "features": features, "metric": metric}
    validated, divided = _divided(planned, contract, validate, split=split, key=key)
    parts = {part: output(divided)[part] for part in PARTS}
    trusted = {"trusted_types": list(trusted_types)}
    looked = _leakage(leakage, parts, planned, contract=contract, target=target, features=features, key=key)
    given = {"train": parts["train"], "validation": parts["validation"], **fitted, **trusted}
    mapped, select = fitting_tasks(candidates, model=model, plan=planned.plan, step=train, search=tune, **given)
    if looked is not None:
        looked >> mapped
    register = RegisterModelOperator(
        task_id="register", model=model, run=output(select), data=parts, contract=contract, features=features
    )
    judged = Judged(
        challenger=register,
        parts=parts,
        row_key=list(row_key) if row_key else [*([key] if isinstance(key, str) else key), *planned.row_key],
        looked_at={"slices": list(slices), "groups": list(groups), "threshold": threshold},
        fitted={**fitted, **trusted},
        policy=policy,
        self_tests=self_tests,
        about=about,
        plan=planned.plan,
        outlets=list(outlets),
        notify=notify,
    )
    decided = deciding_tasks(
        judged, self_test=self_test, evaluate=evaluate, gate=gate, approval=approval, promote=promote, card=card
    )
    close_window(planned, decided.gate, decided.promoted, behind=decided.last)
    return _given(planned, validated, parts, select, register, decided)


def _divided(
    planned: Planned, contract: Any, validate: Step, *, split: Mapping[str, Any], key: Any
) -> tuple[Any, SplitDatasetOperator]:
    """Validate, then split; behind whatever makes the rows."""
    divided = made(SplitDatasetOperator, split, task_id="split", snapshot=planned.rows, key=_key_of(split, key))
    if validate is None or contract is None:
        return None, divided
    validated = made(ValidateDatasetOperator, validate, task_id="validate", snapshot=planned.rows, contract=contract)
    validated >> divided
    return output(validated), divided


def _key_of(split: Mapping[str, Any], key: Any) -> Any:
    """Give the split's key; a split by time or by partition goes by none."""
    return key if split.get("how", "key") == "key" else None


def _leakage(step: Step, parts: Mapping[str, Any], planned: Planned, **wired: Any) -> BaseOperator | None:
    """Look for leaks between the parts; in a window up to its cut-off."""
    if step is None:
        return None
    key = wired.pop("key")
    if planned.plan is not None:
        # A key's partitions are in one part, whichever partitions they are.
        groups = key if isinstance(key, str) else list(key)
        wired |= {"groups": groups, "time": "partition", "ordered": False, "cutoff": planned.plan["cutoff"]}
    return made(CheckLeakageOperator, step, task_id="leakage", parts=dict(parts), **wired)


def _given(
    planned: Planned, validated: Any, parts: Any, select: BaseOperator, register: BaseOperator, decided: Deciding
) -> Training:
    return Training(
        plan=planned.plan,
        rows=planned.rows,
        validated=validated,
        parts=parts,
        run=output(select),
        version=output(register),
        self_tested=decided.self_tested,
        evaluation=decided.evaluation,
        decision=output(decided.gate),
        promotion=output(decided.promoted),
        card=decided.card,
    )


training_task_group = as_task_group(training_tasks)
